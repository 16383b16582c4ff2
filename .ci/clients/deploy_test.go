package clients

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// TestKubeScore: kube-score has nothing against the Kubernetes base.
func TestKubeScore(t *testing.T) {
	t.Parallel()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(top, "deploy", "kubernetes"))
	if err != nil {
		t.Fatal(err)
	}
	objects, err := resources.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "tool", "kube-score", "score", "-", "--output-format=ci", "--kubernetes-version=v1.30", "--exit-one-on-warning")
	said := output(t, cmd, string(objects))
	if !strings.Contains(said, "[OK] wedatasync apps/v1/Deployment") || !strings.Contains(said, "v1/Service") {
		t.Errorf("kube-score did not see the objects:\n%s", said)
	}
}
