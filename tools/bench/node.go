package main

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

//go:embed pynode.py
var pynode []byte

func reference(dir, pythonpath string) (*target, error) {
	file := filepath.Join(dir, "pynode.py")
	if err := os.WriteFile(file, pynode, 0o600); err != nil {
		return nil, err
	}
	python := "/usr/bin/python3"
	if _, err := os.Stat(python); err != nil {
		python = "python3"
	}
	return &target{
		name: "reference", reference: true, argv: []string{python, file},
		env: append(os.Environ(), "PYTHONPATH="+pythonpath, "PYTHONDONTWRITEBYTECODE=1"),
	}, nil
}

// children are ended when the program is.
var children struct {
	sync.Mutex
	all map[*os.Process]bool
}

func reap() {
	children.Lock()
	defer children.Unlock()
	for p := range children.all {
		_ = p.Kill()
	}
}

// spawn starts a program and remembers it until it is waited for.
func spawn(cmd *exec.Cmd) (wait func() error, err error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	children.Lock()
	defer children.Unlock()
	if children.all == nil {
		children.all = make(map[*os.Process]bool)
	}
	children.all[cmd.Process] = true
	return func() error {
		err := cmd.Wait()
		children.Lock()
		defer children.Unlock()
		delete(children.all, cmd.Process)
		return err
	}, nil
}

// process is a node under test.
type process struct {
	*usage
	in   io.WriteCloser
	out  *bufio.Reader
	kill func() error
	wait func() error
}

type order map[string]any

// answer holds every field any order answers with.
type answer struct {
	OK        bool    `json:"ok"`
	Error     string  `json:"error"`
	Echo      string  `json:"echo"`
	LXMF      string  `json:"lxmf"`
	Has       bool    `json:"has"`
	Paths     int     `json:"paths"`
	T         float64 `json:"t"`
	Seconds   list    `json:"seconds"`
	Delivered int     `json:"delivered"`
	Heap      float64 `json:"heap"`
	Mallocs   float64 `json:"mallocs"`
	PerS      float64 `json:"per_s"`
}

// list is one number or several.
type list []float64

// UnmarshalJSON takes either.
func (l *list) UnmarshalJSON(b []byte) error {
	if b[0] == '[' {
		return json.Unmarshal(b, (*[]float64)(l))
	}
	*l = make(list, 1)
	return json.Unmarshal(b, &(*l)[0])
}

const settings = `[reticulum]
  enable_transport = %s
  share_instance = No
  panic_on_interface_error = No
[logging]
  loglevel = 2
[interfaces]
  [[bench]]
    enabled = Yes
    type = %s
    ingress_control = No
    egress_control = No
`

// node starts a node: listening if listen is true, and connecting otherwise. Its tables are kept in the directory storage, if
// there is one.
func (s *session) node(port int, listen, transport bool, storage string) (*process, error) {
	dir, err := os.MkdirTemp(s.dir, "node-")
	if err != nil {
		return nil, err
	}
	yes, kind := "No", fmt.Sprintf("TCPClientInterface\n    target_host = 127.0.0.1\n    target_port = %d", port)
	o := order{"config": dir, "connect": port, "transport": transport, "storage": storage}
	if listen {
		kind = fmt.Sprintf("TCPServerInterface\n    listen_ip = 127.0.0.1\n    listen_port = %d", port)
		o["listen"] = port
	}
	if transport {
		yes = "Yes"
	}
	if err := os.WriteFile(filepath.Join(dir, "config"), fmt.Appendf(nil, settings, yes, kind), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command(s.argv[0], s.argv[1:]...)
	cmd.Env, cmd.Dir = append(s.env, "HOME="+dir), dir
	if cmd.Stderr, err = os.Create(filepath.Join(dir, "log")); err != nil {
		return nil, err
	}
	p := new(process)
	if p.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if p.wait, err = spawn(cmd); err != nil {
		return nil, err
	}
	p.kill, p.usage = cmd.Process.Kill, usageOf(cmd.Process.Pid)
	if _, err := p.do("start", o); err != nil {
		p.close()
		return nil, err
	}
	if listen && !reachable(port) {
		p.close()
		return nil, errors.New("node does not listen")
	}
	return p, nil
}

const patience = 5 * time.Minute

// do gives an order and waits for its answer.
func (p *process) do(cmd string, o order) (answer, error) {
	if o == nil {
		o = order{}
	}
	o["cmd"] = cmd
	line, err := json.Marshal(o)
	if err != nil {
		return answer{}, err
	}
	timer := time.AfterFunc(patience, func() { _ = p.kill() })
	defer timer.Stop()
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return answer{}, fmt.Errorf("%s: %w", cmd, err)
	}
	for {
		line, err := p.out.ReadBytes('\n')
		if err != nil {
			return answer{}, fmt.Errorf("%s: node ended: %w", cmd, err)
		}
		if line[0] != '{' {
			continue
		}
		var a answer
		if err := json.Unmarshal(line, &a); err != nil {
			return a, err
		}
		if !a.OK {
			return a, fmt.Errorf("%s: %s", cmd, a.Error)
		}
		return a, nil
	}
}

func (p *process) close() {
	_, _ = p.in.Write([]byte(`{"cmd":"quit"}` + "\n"))
	_ = p.in.Close()
	timer := time.AfterFunc(5*time.Second, func() { _ = p.kill() })
	defer timer.Stop()
	_ = p.wait()
}

// freePort is a port nobody listens on.
func freePort() int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func reachable(port int) bool {
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		c, err := dial(port)
		if err == nil {
			_ = c.Close()
			return true
		}
		time.Sleep(time.Millisecond)
	}
	return false
}

func dial(port int) (net.Conn, error) { return net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)) }
