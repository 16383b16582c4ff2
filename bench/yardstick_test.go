package bench_test

import (
	"bytes"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

// BenchmarkYardstick decodes one spec with yaml.v3, strictly, and nothing else. It is a
// measure of the machine, and of the hour: where the targets were set it took 20 µs.
func BenchmarkYardstick(b *testing.B) {
	var text bytes.Buffer
	text.WriteString("apiVersion: wedatasync/v1\ncommits:\n")
	writeSpec(&text, 1, 1)
	var times sample
	for b.Loop() {
		var file struct {
			APIVersion string `yaml:"apiVersion"`
			Commits    []struct {
				TaskID          string                         `yaml:"taskId"`
				ProjectID       string                         `yaml:"projectId"`
				CommitType      string                         `yaml:"commitType"`
				TaskType        string                         `yaml:"taskType"`
				InstanceVersion int64                          `yaml:"instanceVersion"`
				VersionDesc     string                         `yaml:"versionDesc"`
				ExtConfig       []struct{ Name, Value string } `yaml:"extConfig"`
			} `yaml:"commits"`
		}
		start := time.Now()
		decoder := yaml.NewDecoder(bytes.NewReader(text.Bytes()))
		decoder.KnownFields(true)
		if err := decoder.Decode(&file); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(start))
	}
	b.ReportMetric(float64(times.median()), "median-ns")
	b.ReportMetric(0, "ns/op")
}
