package traffic

import (
	"cmp"
	"slices"
)

// maxRows is how many rows a table keeps.
const maxRows = 5000

// table counts by keys. When it has too many it forgets the rarer half, so that
// what is frequent stays, however many others there are.
type table[K comparable, V any] struct {
	rows      map[K]*row[K, V]
	made      int64
	forgotten int64 // the counts of rows that are no more
}

// row is what a table has of one key. A row that was forgotten and came back
// has lost what it had.
type row[K comparable, V any] struct {
	key   K
	count int64
	seq   int64
	val   V
}

// add counts n for a key.
func (t *table[K, V]) add(key K, n int64) *V {
	r := t.rows[key]
	if r == nil {
		if t.rows == nil {
			t.rows = make(map[K]*row[K, V])
		}
		if len(t.rows) >= maxRows {
			for _, rare := range t.sorted()[maxRows/2:] {
				t.forgotten += rare.count
				delete(t.rows, rare.key)
			}
		}
		t.made++
		r = &row[K, V]{key: key, seq: t.made}
		t.rows[key] = r
	}
	r.count += n
	return &r.val
}

// sorted returns the rows, the most frequent first.
func (t *table[K, V]) sorted() []*row[K, V] {
	rows := make([]*row[K, V], 0, len(t.rows))
	for _, r := range t.rows {
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b *row[K, V]) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.seq, b.seq))
	})
	return rows
}

// merge adds another table's rows. The function adds their values.
func (t *table[K, V]) merge(other *table[K, V], add func(to, from *V)) {
	t.forgotten += other.forgotten
	for _, r := range other.sorted() {
		add(t.add(r.key, r.count), &r.val)
	}
}
