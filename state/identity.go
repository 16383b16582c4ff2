package state

// Identity is what a state belongs to. A state is never used for another one. The first
// call that may have been accepted binds the endpoint and the region: until then, they can
// be corrected.
type Identity struct {
	Source   string `json:"source"` // without userinfo
	Branch   string `json:"branch,omitempty"`
	Path     string `json:"path,omitempty"`
	Endpoint string `json:"endpoint"`
	Region   string `json:"region"`
}

// Match reports the first field in which the state at path is not for want.
func (id Identity) Match(path string, want Identity) error {
	for _, f := range []struct{ name, have, want string }{
		{"source", id.Source, want.Source},
		{"branch", id.Branch, want.Branch},
		{"path", id.Path, want.Path},
		{"endpoint", id.Endpoint, want.Endpoint},
		{"region", id.Region, want.Region},
	} {
		if f.have != f.want {
			return &ForeignError{Path: path, Field: f.name, Have: f.have, Want: f.want}
		}
	}
	return nil
}
