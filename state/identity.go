package state

// Identity is what a state belongs to. A state is never used for another one.
type Identity struct {
	Source   string `json:"source"` // without userinfo
	Branch   string `json:"branch,omitempty"`
	Path     string `json:"path,omitempty"`
	Endpoint string `json:"endpoint"`
	Region   string `json:"region"`
}
