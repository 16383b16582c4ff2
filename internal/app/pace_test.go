package app_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

const (
	commitAction = "CommitIntegrationTask"
	readAction   = "DescribeIntegrationTask"
)

// proxy is between the client and the endpoint, which has TLS. It notes when the first
// byte of each request arrives.
type proxy struct {
	sim    *wedatasim.Server
	server *tls.Config
	// stall is how long it takes to answer the first message of a handshake.
	stall func() time.Duration

	open sync.WaitGroup // connections

	mu      sync.Mutex
	arrived []time.Time
}

func newProxy(t *testing.T, sim *wedatasim.Server) (*proxy, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().AddDate(1, 0, 0), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	// The pipe has no buffer: a ticket would wait for a client that writes itself.
	server := &tls.Config{SessionTicketsDisabled: true, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	return &proxy{sim: sim, server: server, stall: func() time.Duration { return 0 }}, pool
}

// dial connects to the proxy.
func (p *proxy) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	p.open.Go(func() { p.serve(context.WithoutCancel(ctx), tls.Server(ours, p.server)) })
	return theirs, nil
}

func (p *proxy) serve(ctx context.Context, front net.Conn) {
	defer front.Close()
	time.Sleep(p.stall())
	first := make([]byte, 1)
	if _, err := io.ReadFull(front, first); err != nil {
		return
	}
	p.mu.Lock()
	p.arrived = append(p.arrived, time.Now())
	p.mu.Unlock()
	behind, err := p.sim.Dial(ctx, "", "")
	if err != nil {
		return
	}
	defer behind.Close()
	if _, err := behind.Write(first); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(behind, front)
		_ = behind.Close()
	}()
	_, _ = io.Copy(front, behind)
}

// busiest returns the most arrivals in a second of the clock, and in any second.
func busiest(arrived []time.Time) (fixed, sliding int) {
	slices.SortFunc(arrived, time.Time.Compare)
	seconds, first := map[int64]int{}, 0
	for i, at := range arrived {
		for at.Sub(arrived[first]) >= time.Second {
			first++
		}
		seconds[at.Unix()]++
		fixed, sliding = max(fixed, seconds[at.Unix()]), max(sliding, i-first+1)
	}
	return fixed, sliding
}

// pushed is a source of one revision: n tasks.
type pushed int

func (n pushed) Poll(context.Context) (*reconcile.Revision, error) {
	set := spec.NewSet()
	for i := range int(n) {
		commit := &spec.Commit{Key: spec.Key{ProjectID: "1", TaskID: fmt.Sprintf("t%04d", i)}, CommitType: spec.Start, InstanceVersion: 1}
		set.Put(&spec.File{Name: commit.TaskID, Commits: []*spec.Commit{commit}})
	}
	return &reconcile.Revision{ID: "r1", Specs: set}, nil
}

func (pushed) Descends(context.Context, string, string) (bool, error) { return true, nil }

func (pushed) SameSpecs(context.Context, string, string) (bool, error) { return true, nil }

func (pushed) Close() error { return nil }

// credentialsOf returns credentials in a file, and what exchanges them there.
func credentialsOf(t *testing.T) (*wedata.Credentials, func(wedatasim.Account)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credentials")
	write := func(a wedatasim.Account) {
		text := fmt.Appendf(nil, "[default]\nsecret_id=%s\nsecret_key=%s\n", a.SecretID, a.SecretKey)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Error(err)
		}
	}
	write(wedatasim.DefaultAccount())
	vars := map[string]string{"TENCENTCLOUD_CREDENTIALS_FILE": path}
	credentials, err := wedata.FindCredentials(t.Context(), wedata.CredentialSources{Getenv: func(name string) string { return vars[name] }})
	if err != nil {
		t.Fatal(err)
	}
	return credentials, write
}

// release commits n tasks with a client of cfg, and returns how many commits a second
// were applied, from the first to the last.
func release(t *testing.T, sim *wedatasim.Server, cfg wedata.Config, n int) float64 {
	t.Helper()
	cfg.Region = "ap-guangzhou"
	client, err := wedata.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var ids atomic.Int64
	r := reconcile.New(reconcile.Config{
		Source: pushed(n), Committer: client, Reader: client, Store: nowhere{}, Logger: slog.New(slog.DiscardHandler),
		Guards:  func() *plan.Guards { return new(plan.Guards) },
		Commits: pace.New(20), Reads: pace.New(20),
		Horizon: lasting(310 * time.Second), Interval: lasting(passEvery),
		Random: func() float64 { return 0.5 },
		NewID:  func() string { return fmt.Sprint(ids.Add(1)) },
	}, state.NewRecords(), state.Control{})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	for applied := 0; applied < n && ctx.Err() == nil; {
		result, err := r.Once(ctx)
		if err != nil && ctx.Err() == nil {
			t.Fatal(err)
		}
		if err == nil {
			applied += result.Applied
		}
		time.Sleep(100 * time.Millisecond)
	}
	var at []time.Time
	for _, e := range sim.Ledger() {
		if e.Applied {
			at = append(at, e.At)
		}
	}
	if len(at) < n {
		t.Fatalf("%d of %d commits were applied", len(at), n)
	}
	return float64(n-1) / at[n-1].Sub(at[0]).Seconds()
}

// TestPace_Stalls: connections that stall, and then are all there at once, make no
// second fuller than 20: by the first byte's arrival, with a proxy that lets no
// handshake go on but every three seconds, credentials that are exchanged in the middle,
// and with reads or without.
func TestPace_Stalls(t *testing.T) {
	t.Parallel()
	for _, reads := range []bool{true, false} {
		t.Run(fmt.Sprintf("reads %v", reads), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := wedatasim.New(wedatasim.Options{Limit: -1})
				defer sim.Close()
				if !reads {
					sim.Inject(wedatasim.Fault{Action: readAction, Code: "UnauthorizedOperation"})
				}
				p, pool := newProxy(t, sim)
				defer p.open.Wait()
				p.stall = func() time.Duration { return 3*time.Second - time.Duration(time.Now().UnixNano())%(3*time.Second) }
				credentials, write := credentialsOf(t)
				time.AfterFunc(20*time.Second, func() {
					fresh := wedatasim.DefaultAccount()
					fresh.SecretID += "2"
					write(fresh)
					sim.SetAccounts(fresh)
				})
				pace := release(t, sim, wedata.Config{Endpoint: "https://127.0.0.1", Credentials: credentials, Dial: p.dial, RootCAs: pool}, 300)
				p.mu.Lock()
				defer p.mu.Unlock()
				fixed, sliding := busiest(p.arrived)
				loads := sim.Windows(commitAction).All
				read := sim.Windows(readAction).All
				t.Logf("%.1f commits a second; first bytes %d fixed, %d sliding; commits %+v, reads %+v", pace, fixed, sliding, loads, read)
				if !reads && (fixed > 20 || sliding > 20) {
					t.Errorf("the first bytes of %d requests arrived in a second (fixed), %d (sliding), want at most 20", fixed, sliding)
				}
				if worst := max(loads.Fixed, loads.Sliding, read.Fixed, read.Sliding); worst > 20 {
					t.Errorf("%d requests of one action in a second, want at most 20", worst)
				}
			})
		})
	}
}

// TestPace_Rejects: where 30 % of the requests are rejected, whatever the pace, at least
// 7 commits a second get through.
func TestPace_Rejects(t *testing.T) {
	t.Parallel()
	for _, action := range []string{commitAction, ""} {
		t.Run("of "+action, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := wedatasim.New(wedatasim.Options{Seed: 7})
				defer sim.Close()
				sim.Inject(wedatasim.Fault{Action: action, Probability: 0.3, Code: "RequestLimitExceeded"})
				sim.Inject(wedatasim.Fault{Delay: 100 * time.Millisecond, Jitter: 100 * time.Millisecond})
				credentials, _ := credentialsOf(t)
				pace := release(t, sim, wedata.Config{Endpoint: "http://127.0.0.1", Credentials: credentials, Dial: sim.Dial}, 1200)
				t.Logf("%.2f commits a second", pace)
				if pace < 7 {
					t.Errorf("%.2f commits a second, want at least 7", pace)
				}
			})
		})
	}
}

// TestPace_SlowReads: reads that take up to three seconds do not slow the commits.
func TestPace_SlowReads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sim := wedatasim.New(wedatasim.Options{Seed: 7})
		defer sim.Close()
		sim.Inject(wedatasim.Fault{Action: readAction, Jitter: 3 * time.Second})
		sim.Inject(wedatasim.Fault{Delay: 100 * time.Millisecond, Jitter: 100 * time.Millisecond})
		credentials, _ := credentialsOf(t)
		pace := release(t, sim, wedata.Config{Endpoint: "http://127.0.0.1", Credentials: credentials, Dial: sim.Dial}, 1000)
		loads := sim.Windows(commitAction).All
		t.Logf("%.2f commits a second, %+v", pace, loads)
		if pace < 18 || max(loads.Fixed, loads.Sliding) > 20 {
			t.Errorf("%.2f commits a second, want at least 18; %d in a second, want at most 20", pace, max(loads.Fixed, loads.Sliding))
		}
	})
}
