package files

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const top = "../.."

// base is what the kustomize base in deploy/kubernetes builds.
type base struct {
	deployment appsv1.Deployment
	service    corev1.Service
	claim      corev1.PersistentVolumeClaim
	policy     networkingv1.NetworkPolicy
	account    corev1.ServiceAccount
	config     corev1.ConfigMap
}

// build builds the base as kubectl does, and reads its objects with Kubernetes' own
// types: a field that they do not have is an error.
func build(t *testing.T) *base {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(top, "deploy", "kubernetes"))
	if err != nil {
		t.Fatal(err)
	}
	b := new(base)
	want := map[string]any{
		"Deployment": &b.deployment, "Service": &b.service, "PersistentVolumeClaim": &b.claim,
		"NetworkPolicy": &b.policy, "ServiceAccount": &b.account, "ConfigMap": &b.config,
	}
	for _, r := range resources.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		into, ok := want[r.GetKind()]
		if !ok {
			t.Fatalf("there is a %s that no test knows, or two of them", r.GetKind())
		}
		delete(want, r.GetKind())
		if err := yaml.UnmarshalStrict(text, into); err != nil {
			t.Errorf("%s: %v", r.GetKind(), err)
		}
	}
	for kind := range want {
		t.Errorf("there is no %s", kind)
	}
	return b
}

// TestKubernetes_Restricted: the pod is one that the restricted Pod Security Standard
// admits, with a root that it cannot write.
func TestKubernetes_Restricted(t *testing.T) {
	pod := build(t).deployment.Spec.Template.Spec
	if c := pod.SecurityContext; c.RunAsNonRoot == nil || !*c.RunAsNonRoot || *c.RunAsUser != 65532 || c.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("the pod's security context is %+v", c)
	}
	if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
		t.Error("the pod has a token of the cluster")
	}
	if pod.HostNetwork || pod.HostPID || pod.HostIPC {
		t.Error("the pod shares namespaces of its node")
	}
	if len(pod.Containers) != 1 {
		t.Fatalf("%d containers, want one", len(pod.Containers))
	}
	c := pod.Containers[0]
	if s := c.SecurityContext; *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) || len(s.Capabilities.Add) > 0 {
		t.Errorf("the container's security context is %+v", s)
	}
	limits := c.Resources.Limits
	if limits.Memory().IsZero() || limits.Cpu().IsZero() || limits.StorageEphemeral().IsZero() || c.Resources.Requests.Cpu().IsZero() {
		t.Errorf("the container's resources are %+v", c.Resources)
	}
	for _, m := range c.VolumeMounts {
		if m.ReadOnly == (m.MountPath == "/var/lib/wedatasync") {
			t.Errorf("%s is read-only: %v", m.MountPath, m.ReadOnly)
		}
	}
}

// TestKubernetes_OneDaemon: two never meet at the state, and what waits for a person is
// neither restarted nor hidden.
func TestKubernetes_OneDaemon(t *testing.T) {
	b := build(t)
	d := b.deployment.Spec
	if *d.Replicas != 1 || d.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
		t.Errorf("%d replicas with strategy %s", *d.Replicas, d.Strategy.Type)
	}
	c := d.Template.Spec.Containers[0]
	if path := c.LivenessProbe.HTTPGet.Path; path != "/healthz" {
		t.Errorf("the liveness probe asks %s: it must not restart what waits for a person", path)
	}
	if path := c.ReadinessProbe.HTTPGet.Path; path != "/readyz" {
		t.Errorf("the readiness probe asks %s", path)
	}
	// The first start fetches everything before it listens: 10 minutes at the most.
	if s := c.StartupProbe; s.HTTPGet.Path != "/healthz" || s.PeriodSeconds*s.FailureThreshold < 15*60 {
		t.Errorf("the startup probe gives up on %s after %d s", s.HTTPGet.Path, s.PeriodSeconds*s.FailureThreshold)
	}
	if !b.service.Spec.PublishNotReadyAddresses {
		t.Error("the page is not reachable while action is required")
	}
}

// TestKubernetes_Fits: names and labels that have to be the same are.
func TestKubernetes_Fits(t *testing.T) {
	b := build(t)
	pod := b.deployment.Spec.Template
	for what, selector := range map[string]map[string]string{
		"deployment":     b.deployment.Spec.Selector.MatchLabels,
		"service":        b.service.Spec.Selector,
		"network policy": b.policy.Spec.PodSelector.MatchLabels,
	} {
		if len(selector) == 0 {
			t.Errorf("the %s selects every pod", what)
		}
		for name, value := range selector {
			if pod.Labels[name] != value {
				t.Errorf("the %s selects %s=%s, and the pod has %q", what, name, value, pod.Labels[name])
			}
		}
	}
	sources := map[string]string{}
	for _, v := range pod.Spec.Volumes {
		switch {
		case v.PersistentVolumeClaim != nil:
			sources[v.Name] = "claim " + v.PersistentVolumeClaim.ClaimName
		case v.ConfigMap != nil:
			sources[v.Name] = "config " + v.ConfigMap.Name
		case v.Secret != nil:
			sources[v.Name] = "secret " + v.Secret.SecretName
		}
	}
	want := map[string]string{"state": "claim " + b.claim.Name, "configuration": "config " + b.config.Name, "secrets": "secret wedatasync"}
	if fmt.Sprint(sources) != fmt.Sprint(want) {
		t.Errorf("the volumes are %v, want %v", sources, want)
	}
	if pod.Spec.ServiceAccountName != b.account.Name || *b.account.AutomountServiceAccountToken {
		t.Errorf("the pod runs as %s", pod.Spec.ServiceAccountName)
	}
	if !slices.Equal(b.claim.Spec.AccessModes, []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}) {
		t.Errorf("the claim is %v", b.claim.Spec.AccessModes)
	}
	port := pod.Spec.Containers[0].Ports[0]
	if !bytes.Contains([]byte(b.config.Data["wedatasync.yaml"]), fmt.Appendf(nil, "listen: \":%d\"", port.ContainerPort)) {
		t.Errorf("the daemon does not listen on port %d", port.ContainerPort)
	}
	if to := b.service.Spec.Ports[0].TargetPort.StrVal; to != port.Name {
		t.Errorf("the service sends to port %s, not %s", to, port.Name)
	}
}
