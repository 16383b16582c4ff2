package wedatasim

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	tchttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"

	"github.com/wedatasync/wedatasync/internal/wedatasim/tc3"
)

// The two worked examples of Tencent Cloud's document "Signature v3", of an older
// edition and of today's. The second has asterisks for a key.
func TestSignatureOfTheDocument(t *testing.T) {
	const body = `{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}`
	tests := []struct {
		name   string
		key    string
		signed string
		want   string
	}{
		{"content type and host", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE", "content-type;host", "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"},
		{"and the action", strings.Repeat("*", 32), "content-type;host;x-tc-action", "10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f"},
	}
	for _, tt := range tests {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://cvm.tencentcloudapi.com/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
		r.Header.Set("X-TC-Action", "DescribeInstances")
		a, ok := tc3.Parse("TC3-HMAC-SHA256 Credential=AKIDEXAMPLE/2019-02-25/cvm/tc3_request, SignedHeaders=" + tt.signed + ", Signature=" + tt.want)
		if !ok {
			t.Fatal("the header was not read")
		}
		r.Header.Set("X-TC-Timestamp", "1551113065")
		if got := a.Sign(tt.key, r, []byte(body)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// What the SDK signs is accepted.
func TestSignatureOfTheSDK(t *testing.T) {
	account := Account{SecretID: "AKIDsdk", SecretKey: "key", Token: "token", UIN: "1"}
	s := New(Options{Accounts: []Account{account}})
	t.Cleanup(func() { _ = s.Close() })
	p := profile.NewClientProfile()
	p.HttpProfile.Endpoint, p.HttpProfile.Scheme = "127.0.0.1", "HTTP"
	client := common.NewCommonClient(common.NewTokenCredential(account.SecretID, account.SecretKey, account.Token), "ap-guangzhou", p)
	client.WithHttpTransport(&http.Transport{DialContext: s.Dial, DisableKeepAlives: true})
	request := tchttp.NewCommonRequest("wedata", apiVersion, "CommitIntegrationTask")
	if err := request.SetActionParameters(`{"ProjectId":"1","TaskId":"ü","CommitType":1}`); err != nil {
		t.Fatal(err)
	}
	response := tchttp.NewCommonResponse()
	if err := client.Send(request, response); err != nil {
		t.Fatal(err)
	}
	if got := string(response.GetBody()); !strings.Contains(got, `"Data":true`) {
		t.Errorf("answered %s", got)
	}
}
