package testkit

import (
	"os"
	"testing"
)

func TestBuild(t *testing.T) {
	path, err := Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode()&0o111 == 0 {
		t.Error(info, err)
	}
}
