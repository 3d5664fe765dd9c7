package lambdatest

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// runtimeAPI is what a function's process sees of Lambda: it asks for an event, and posts the answer under the event's id.
type runtimeAPI struct {
	env *environment

	mu      sync.Mutex // guards what follows
	begun   bool       // the process has asked for work
	current *invocation
}

func (a *runtimeAPI) routes() http.Handler {
	mux := http.NewServeMux()
	const root = "/2018-06-01/runtime/"
	mux.HandleFunc("GET "+root+"invocation/next", a.next)
	mux.HandleFunc("POST "+root+"invocation/{id}/response", a.response)
	mux.HandleFunc("POST "+root+"invocation/{id}/error", a.failure)
	mux.HandleFunc("POST "+root+"init/error", a.initFailure)
	return mux
}

// next answers with an event, as soon as there is one.
func (a *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	a.begin()
	select {
	case i := <-a.env.work:
		a.set(i)
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", i.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(i.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", a.env.cfg.FunctionArn)
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Sampled=0")
		_, _ = w.Write(i.payload) // a process that does not read it does not answer either
	case <-r.Context().Done():
	}
}

// begin notes the first request for work.
func (a *runtimeAPI) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.begun {
		a.begun = true
		close(a.env.initialised)
	}
}

func (a *runtimeAPI) set(i *invocation) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.current = i
}

// claim returns the invocation of that id, once; nil if it is not the current one.
func (a *runtimeAPI) claim(id string) *invocation {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := a.current
	if i == nil || i.id != id {
		return nil
	}
	a.current = nil
	return i
}

// response takes an answer. A function that streams it may say in the trailer that it failed after all.
func (a *runtimeAPI) response(w http.ResponseWriter, r *http.Request) {
	i := a.claim(r.PathValue("id"))
	if i == nil {
		refuse(w, http.StatusBadRequest, "InvalidRequestID")
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxPayload+1))
	switch {
	case err != nil:
		i.answer <- answer{err: &FunctionError{Type: "Runtime.TruncatedResponse", Message: err.Error()}}
		refuse(w, http.StatusBadRequest, "Runtime.TruncatedResponse")
		return
	case len(body) > maxPayload:
		i.answer <- answer{err: ErrResponseSize}
		refuse(w, http.StatusRequestEntityTooLarge, "Function.ResponseSizeTooLarge")
		return
	case r.Trailer.Get("Lambda-Runtime-Function-Error-Type") != "":
		i.answer <- answer{err: trailerError(r.Trailer)}
	default:
		i.answer <- answer{payload: body}
	}
	accept(w)
}

func trailerError(trailer http.Header) error {
	body, err := base64.StdEncoding.DecodeString(trailer.Get("Lambda-Runtime-Function-Error-Body"))
	if err != nil {
		body = nil
	}
	return functionError(body, trailer.Get("Lambda-Runtime-Function-Error-Type"))
}

// failure takes the error of an invocation.
func (a *runtimeAPI) failure(w http.ResponseWriter, r *http.Request) {
	i := a.claim(r.PathValue("id"))
	if i == nil {
		refuse(w, http.StatusBadRequest, "InvalidRequestID")
		return
	}
	i.answer <- answer{err: readError(r)}
	accept(w)
}

// initFailure takes the error of a process that cannot initialise. It exits after that.
func (a *runtimeAPI) initFailure(w http.ResponseWriter, r *http.Request) {
	select {
	case a.env.failed <- readError(r):
	default: // the first one counts
	}
	accept(w)
}

func readError(r *http.Request) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxPayload))
	if err != nil {
		body = nil
	}
	return functionError(body, r.Header.Get("Lambda-Runtime-Function-Error-Type"))
}

// functionError reads what a function posts as its error. One that posts nonsense has failed all the same.
func functionError(body []byte, kind string) error {
	e := &FunctionError{}
	if err := json.Unmarshal(body, e); err != nil || e.Type == "" {
		e.Type = kind
	}
	return e
}

func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func refuse(w http.ResponseWriter, status int, kind string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"errorType":"`+kind+`"}`)
}
