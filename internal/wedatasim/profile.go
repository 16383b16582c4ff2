package wedatasim

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// Telling says how a read tells one field.
type Telling string

// The tellings.
const (
	Told   Telling = ""       // as it is
	Null   Telling = "null"   // not at all
	Newest Telling = "newest" // as the newest documented example has it, whatever is so
)

// Shape says how reads tell the fields of a task that may be null, or may say
// nothing. Fields that have no example of their own are told where they are Newest.
type Shape struct {
	OperateID           Telling `json:"operate_id,omitempty"` // null: LastOperateInfo is
	UpdateTime          Telling `json:"update_time,omitempty"`
	InstanceVersion     Telling `json:"instance_version,omitempty"`
	Submit              Telling `json:"submit,omitempty"`              // newest: null
	HasVersion          Telling `json:"has_version,omitempty"`         // newest: stays true when the task is withdrawn
	OfflineTaskStatus   Telling `json:"offline_task_status,omitempty"` // newest: 1
	NumRestarts         Telling `json:"num_restarts,omitempty"`        // newest: -1
	ReaderDelay         Telling `json:"reader_delay,omitempty"`        // newest: -1
	NotExistsCheckPoint Telling `json:"not_exists_check_point,omitempty"`
	ReadPhase           Telling `json:"read_phase,omitempty"`
	OperatorUIN         Telling `json:"operator_uin,omitempty"`
	TaskVersion         Telling `json:"task_version,omitempty"` // newest: null
	Runs                Telling `json:"runs,omitempty"`         // TaskVersionList
}

// fields returns every field of the shape.
func (s *Shape) fields() []*Telling {
	return []*Telling{
		&s.OperateID, &s.UpdateTime, &s.InstanceVersion, &s.Submit, &s.HasVersion, &s.OfflineTaskStatus,
		&s.NumRestarts, &s.ReaderDelay, &s.NotExistsCheckPoint, &s.OperatorUIN, &s.TaskVersion, &s.Runs, &s.ReadPhase,
	}
}

// all returns a shape that tells every field in the same way.
func all(t Telling) Shape {
	var s Shape
	for _, f := range s.fields() {
		*f = t
	}
	return s
}

// Profile says what reads tell of the two types of tasks.
type Profile struct {
	Name     string `json:"name,omitempty"` // of one of Profiles, or empty
	Realtime Shape  `json:"realtime"`
	Offline  Shape  `json:"offline"`
}

// of returns the shape for a type of task.
func (p *Profile) of(taskType int64) *Shape {
	if taskType == typeOffline {
		return &p.Offline
	}
	return &p.Realtime
}

func (p *Profile) check() error {
	for _, s := range []*Shape{&p.Realtime, &p.Offline} {
		for _, f := range s.fields() {
			if *f != Told && *f != Null && *f != Newest {
				return fmt.Errorf("unknown value %q; there are \"\", null and newest", *f)
			}
		}
	}
	return nil
}

// Profiles returns the profiles that have a name, each possible by the documents.
func Profiles() map[string]Profile {
	bare := Shape{OperateID: Null, UpdateTime: Null, OperatorUIN: Null, TaskVersion: Null, Runs: Null}
	offlineBare := bare
	offlineBare.InstanceVersion = Null
	silent := all(Null)
	profiles := map[string]Profile{
		"full":           {},
		"newest":         {Realtime: all(Newest), Offline: all(Newest)},
		"no-operate-id":  {Realtime: Shape{OperateID: Null, Runs: Null}, Offline: Shape{OperateID: Null, Runs: Null}},
		"no-update-time": {Realtime: Shape{UpdateTime: Null}, Offline: Shape{UpdateTime: Null}},
		"bare":           {Realtime: bare, Offline: bare},
		"versionless":    {Realtime: Shape{InstanceVersion: Null}, Offline: Shape{InstanceVersion: Null}},
		"offline-bare":   {Offline: offlineBare},
		"silent":         {Realtime: silent, Offline: silent}, // beside Status
	}
	for name, p := range profiles {
		p.Name = name
		profiles[name] = p
	}
	return profiles
}

const drawnPrefix = "drawn-"

// ProfileOf returns the profile with the name; drawn-7 is DrawProfile(7).
func ProfileOf(name string) (Profile, error) {
	if number, ok := strings.CutPrefix(name, drawnPrefix); ok {
		if seed, err := strconv.ParseUint(number, 10, 64); err == nil {
			return DrawProfile(seed), nil
		}
	}
	p, ok := Profiles()[name]
	if !ok {
		return Profile{}, fmt.Errorf("no such profile: %q; there are %s, and %sN", name, strings.Join(slices.Sorted(maps.Keys(Profiles())), ", "), drawnPrefix)
	}
	return p, nil
}

// DrawProfile returns a profile in which each field is told in a way that depends on
// the seed alone.
func DrawProfile(seed uint64) Profile {
	r := rand.New(rand.NewPCG(seed, 1))
	p := Profile{Name: drawnPrefix + strconv.FormatUint(seed, 10)}
	for _, s := range []*Shape{&p.Realtime, &p.Offline} {
		for _, f := range s.fields() {
			*f = []Telling{Told, Told, Null, Newest}[r.IntN(4)]
		}
	}
	return p
}

// UnmarshalJSON reads a profile, or the name of one.
func (p *Profile) UnmarshalJSON(data []byte) error {
	var name string
	if json.Unmarshal(data, &name) == nil {
		named, err := ProfileOf(name)
		*p = named
		return err
	}
	type plain Profile
	*p = Profile{}
	return strictly(data, (*plain)(p))
}
