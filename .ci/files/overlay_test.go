package files

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// TestKubernetes_Overlay builds the overlay of docs/deploying.md on the base: the pod has
// its image, its configuration and its secret.
func TestKubernetes_Overlay(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join(top, "docs", "deploying.md"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```yaml\n(apiVersion: kustomize.*?)```").FindSubmatch(doc)
	if m == nil {
		t.Fatal("the document has no overlay: is the test looking at it?")
	}
	base, err := filepath.Abs(filepath.Join(top, "deploy", "kubernetes"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	toBase, err := filepath.Rel(dir, base)
	if err != nil {
		t.Fatal(err)
	}
	overlay := regexp.MustCompile(`https://\S+`).ReplaceAllString(string(m[1]), toBase)
	for name, text := range map[string]string{"kustomization.yaml": overlay, "wedatasync.yaml": "source: specs\n", "credentials": "x", "git-token": "y"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	var d appsv1.Deployment
	for _, r := range resources.Resources() {
		names[r.GetKind()] = r.GetName()
		if r.GetNamespace() != "wedatasync" {
			t.Errorf("%s %s is in namespace %q", r.GetKind(), r.GetName(), r.GetNamespace())
		}
		if r.GetKind() == "Deployment" {
			text, err := r.AsYAML()
			if err != nil {
				t.Fatal(err)
			}
			if err := yaml.UnmarshalStrict(text, &d); err != nil {
				t.Fatal(err)
			}
		}
	}
	pod := d.Spec.Template.Spec
	if image := pod.Containers[0].Image; !strings.HasSuffix(image, "/wedatasync:COMMIT") {
		t.Errorf("the image is %s", image)
	}
	for _, v := range pod.Volumes {
		if v.ConfigMap != nil && v.ConfigMap.Name != names["ConfigMap"] || v.Secret != nil && v.Secret.SecretName != names["Secret"] {
			t.Errorf("volume %s is not one of %v", v.Name, names)
		}
	}
}
