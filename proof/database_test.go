package proof

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// database is a MariaDB of the test's own, which listens on a socket in its folder and nowhere else.
type database struct{ socket string }

func startDatabase(t *testing.T) database {
	t.Helper()
	testkit.Tool(t, "mariadb")
	server := testkit.Tool(t, "mariadbd")
	dir, err := os.MkdirTemp("", "proof") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	output, err := open(filepath.Join(dir, "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	db := database{filepath.Join(dir, "socket")}
	running, ended := context.WithCancel(t.Context())
	defer ended()
	keep(t, []string{server, "--no-defaults", "--user=" + me.Username, "--datadir=" + dir, "--socket=" + db.socket, "--pid-file=" + filepath.Join(dir, "pid"),
		"--skip-networking", "--skip-grant-tables", "--default-storage-engine=MyISAM", "--innodb-buffer-pool-size=8M"}, dir, output, ended)
	for end := time.Now().Add(testkit.Patience); ; time.Sleep(50 * time.Millisecond) {
		said, err := db.run("CREATE DATABASE mor;")
		if err == nil {
			return db
		}
		if time.Now().After(end) || running.Err() != nil {
			log, _ := os.ReadFile(output.Name())
			t.Fatalf("MariaDB did not start: %v: %s\n%s", err, said, log)
		}
	}
}

// run runs statements and returns their rows, with tabs between the columns. What goes wrong in one does not stop
// those after it.
func (db database) run(statements string) (string, error) {
	cmd := exec.Command("mariadb", "--no-defaults", "--socket="+db.socket, "--default-character-set=utf8", "--batch", "--skip-column-names")
	cmd.Stdin = strings.NewReader("SET sql_mode = '';\n" + statements)
	rows, err := cmd.Output()
	return string(rows), err
}

// finds reports whether a user with a name is found under another one. A name with characters that the column's
// character set lacks may end in an error: it is not found then.
func (db database) finds(t *testing.T, collation, name, under string) bool {
	t.Helper()
	rows, err := db.run("USE mor;\n" + table("users", collation) + fmt.Sprintf("INSERT INTO users VALUES (1, %s);\nSELECT 'ready';\nSELECT id FROM users WHERE username = %s;\n", quoted(name), quoted(under)))
	if !strings.HasPrefix(rows, "ready\n") {
		t.Fatal(err)
	}
	return rows == "ready\n1\n"
}

// equalTo returns for each letter the characters that are equal to it, in a name, of those up to U+FFFF that the
// character set has.
func (db database) equalTo(t *testing.T, collation, letters string) map[rune][]rune {
	t.Helper()
	charset, _, _ := strings.Cut(collation, "_")
	var all []string
	for c := rune(' '); c <= 0xffff; c++ {
		if !utf16.IsSurrogate(c) {
			all = append(all, row(c))
		}
	}
	var known []string
	for _, c := range letters {
		known = append(known, row(c))
	}
	rows, err := db.run("USE mor;\n" + table("letters", collation) + table("characters", collation) + table("sent", "utf8_bin") + fmt.Sprintf(`
INSERT INTO letters VALUES %s;
INSERT INTO sent VALUES %s;
INSERT INTO characters SELECT * FROM sent WHERE CONVERT(CONVERT(username USING %s) USING utf8) = username COLLATE utf8_bin;
SELECT letters.id, characters.id FROM letters JOIN characters USING (username);
`, strings.Join(known, ","), strings.Join(all, ","), charset))
	if err != nil {
		t.Fatal(err)
	}
	equal := map[rune][]rune{}
	for line := range strings.Lines(rows) {
		var letter, c rune
		if _, err := fmt.Sscan(line, &letter, &c); err != nil {
			t.Fatal(err)
		}
		equal[letter] = append(equal[letter], c)
	}
	return equal
}

// row has a character, and a name with it.
func row(c rune) string { return fmt.Sprintf("(%d, %s)", c, quoted(around(c))) }

func table(name, collation string) string {
	charset, _, _ := strings.Cut(collation, "_")
	return fmt.Sprintf("CREATE OR REPLACE TABLE %s (id INT, username VARCHAR(255)) CHARACTER SET %s COLLATE %s;\n", name, charset, collation)
}

func quoted(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
