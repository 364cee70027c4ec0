package caddymodule

import (
	"errors"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// morOutcome is MOR's answer when it disagrees with the gateway.
type morOutcome int

const (
	morSuccess morOutcome = iota
	morIncorrectHash
	morOtherError
	numMOROutcomes
)

// String returns the label's value.
func (m morOutcome) String() string {
	return [...]string{"success", "incorrect_hash", "other_error"}[m]
}

// unread is why MOR's answer could not be compared.
type unread int

const (
	readable        unread = iota
	unreadCoding           // compressed in a way that is not known
	unreadDamaged          // compressed, and does not decode
	unreadTooLong          // neither <success> nor <error> in the bytes that are looked at
	unreadNoMessage        // neither of them at all
	numUnread
)

// String returns the label's value.
func (u unread) String() string {
	return [...]string{"", "coding", "damaged", "too_long", "no_message"}[u]
}

var modes = [...]string{ModeEnforce, ModeMonitor}

// modeIndex returns the index of the handler's mode in modes.
func (h *Handler) modeIndex() int {
	if h.monitor {
		return 1
	}
	return 0
}

// The metrics live as long as the process. Caddy makes a new registry for each
// config; the same collectors are registered with each, so a reload doesn't
// reset them. All label values are from closed sets and exist from the start.
var (
	requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy",
		Subsystem: "mor_gateway",
		Name:      "requests_total",
		Help:      "Counter of requests for did_details_update by verdict and mode.",
	}, []string{"verdict", "mode"})

	disagreements = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy",
		Subsystem: "mor_gateway",
		Name:      "disagreements_total",
		Help:      "Counter of MOR's answers that contradict the verdict.",
	}, []string{"verdict", "mor"})

	noAnswers = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy",
		Subsystem: "mor_gateway",
		Name:      "no_answer_total",
		Help:      "Counter of forwarded requests that MOR did not answer, by status.",
	}, []string{"status"})

	unreadAnswers = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy",
		Subsystem: "mor_gateway",
		Name:      "unread_answers_total",
		Help:      "Counter of MOR's answers that could not be compared with the verdict, by reason.",
	}, []string{"reason"})

	loaded = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: "caddy",
		Subsystem: "mor_gateway",
		Name:      "loaded",
		Help:      "Number of gateways in the config by mode.",
	}, []string{"mode"})

	validationSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Namespace: "caddy",
		Subsystem: "mor_gateway",
		Name:      "validation_seconds",
		Help:      "Histogram of the time to judge a request, without the time to read its body.",
		Buckets:   []float64{1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2},
	})

	requestsTotal = func() (cs [validation.NumVerdicts][len(modes)]prometheus.Counter) {
		for v := range cs {
			for m, mode := range modes {
				cs[v][m] = requests.WithLabelValues(validation.Verdict(v).String(), mode)
			}
		}
		return cs
	}()

	disagreementsTotal = func() (cs [validation.NumVerdicts][numMOROutcomes]prometheus.Counter) {
		for v := range cs {
			for m := range cs[v] {
				if (validation.Verdict(v) == validation.Accepted) != (morOutcome(m) == morSuccess) {
					cs[v][m] = disagreements.WithLabelValues(validation.Verdict(v).String(), morOutcome(m).String())
				}
			}
		}
		return cs
	}()

	noAnswerTotal = func() map[int]prometheus.Counter {
		cs := make(map[int]prometheus.Counter, len(morPages))
		for status := range morPages {
			cs[status] = noAnswers.WithLabelValues(strconv.Itoa(status))
		}
		return cs
	}()

	unreadTotal = func() (cs [numUnread]prometheus.Counter) {
		for u := readable + 1; u < numUnread; u++ {
			cs[u] = unreadAnswers.WithLabelValues(u.String())
		}
		return cs
	}()

	loadedGauges = func() (gs [len(modes)]prometheus.Gauge) {
		for m, mode := range modes {
			gs[m] = loaded.WithLabelValues(mode)
		}
		return gs
	}()
)

// registerMetrics registers the metrics with the registry of a config, which
// may have another site's gateway already.
func registerMetrics(registry *prometheus.Registry) error {
	for _, c := range []prometheus.Collector{requests, disagreements, noAnswers, unreadAnswers, loaded, validationSeconds, buildInfo} {
		var already prometheus.AlreadyRegisteredError
		if err := registry.Register(c); err != nil && !errors.As(err, &already) {
			return err
		}
	}
	return nil
}
