package caddymodule

import (
	"fmt"
	"testing"
	"time"
)

// However many users there are, the memory is bounded; after a pause a user is
// told of again.
func TestAlarmsAreBounded(t *testing.T) {
	var a alarms
	now := time.Unix(1e9, 0)
	if !a.due("admin", now) || a.due("admin", now.Add(alarmPause-1)) || !a.due("other", now) || !a.due("admin", now.Add(alarmPause)) {
		t.Error("not once in a pause for each user")
	}
	for i := range 3 * maxAlarms {
		if !a.due(fmt.Sprint(i), now) {
			t.Fatalf("user %d is new, and no alarm is due", i)
		}
		if len(a.last) > maxAlarms {
			t.Fatalf("%d users are remembered", len(a.last))
		}
	}
	if a := (*alarms)(nil); !a.due("admin", now) {
		t.Error("nil remembers")
	}
}
