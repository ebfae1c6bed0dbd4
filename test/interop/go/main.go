// go-zookeeper/zk against a server: program HOSTS main | HOSTS hold PATH
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-zookeeper/zk"
)

type quiet struct{}

func (quiet) Printf(string, ...interface{}) {}

func step(name string, ok bool, detail interface{}) {
	line, _ := json.Marshal(struct {
		Step   string      `json:"step"`
		Ok     bool        `json:"ok"`
		Detail interface{} `json:"detail"`
	}{name, ok, fmt.Sprint(detail)})
	fmt.Println(string(line))
}

// With TLS_CA, TLS_CERT and TLS_KEY, names of PEM files, connections speak TLS.
func dialer() zk.Dialer {
	file := os.Getenv("TLS_CA")
	if file == "" {
		return net.DialTimeout
	}
	ca, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(ca)
	own, err := tls.LoadX509KeyPair(os.Getenv("TLS_CERT"), os.Getenv("TLS_KEY"))
	if err != nil {
		panic(err)
	}
	config := &tls.Config{RootCAs: trusted, Certificates: []tls.Certificate{own}}
	return func(network, address string, timeout time.Duration) (net.Conn, error) {
		return tls.DialWithDialer(&net.Dialer{Timeout: timeout}, network, address, config)
	}
}

func connect(hosts string) (*zk.Conn, <-chan zk.Event) {
	conn, events, err := zk.Connect(strings.Split(hosts, ","), 2*time.Second, zk.WithLogger(quiet{}), zk.WithDialer(dialer()))
	if err != nil {
		panic(err)
	}
	for event := range events {
		if event.State == zk.StateHasSession {
			break
		}
	}
	return conn, events
}

func within(ch <-chan zk.Event) zk.EventType {
	select {
	case event := <-ch:
		return event.Type
	case <-time.After(5 * time.Second):
		return -100
	}
}

func main() {
	open := zk.WorldACL(zk.PermAll)
	conn, events := connect(os.Args[1])
	if os.Args[2] == "hold" {
		_, err := conn.Create(os.Args[3], nil, zk.FlagEphemeral, open)
		step("holding", err == nil, err)
		time.Sleep(time.Minute)
	}
	root := "/go"
	step("connect", conn.SessionID() != 0, nil)
	path, err := conn.Create(root, []byte("x"), 0, open)
	step("create", err == nil && path == root, err)
	data, stat, err := conn.Get(root)
	step("get", err == nil && string(data) == "x" && stat.Version == 0, err)
	stat, err = conn.Set(root, []byte("yy"), 0)
	step("set", err == nil && stat.Version == 1, err)
	_, err1 := conn.Create(root, nil, 0, open)
	_, _, err2 := conn.Get("/nowhere")
	_, err3 := conn.Set(root, nil, 9)
	step("errors", err1 == zk.ErrNodeExists && err2 == zk.ErrNoNode && err3 == zk.ErrBadVersion, []error{err1, err2, err3})
	made, err := conn.CreateProtectedEphemeralSequential(root+"/p-", nil, open)
	step("protected", err == nil && strings.HasSuffix(made, "-p-0000000000"), made)
	children, _, err := conn.Children(root)
	step("children", err == nil && len(children) == 1, children)
	_, _, ch, _ := conn.GetW(root)
	conn.Set(root, []byte("z"), -1)
	got := within(ch)
	step("data-watch", got == zk.EventNodeDataChanged, got)
	_, _, ch, _ = conn.ChildrenW(root)
	conn.Create(root+"/new", nil, 0, open)
	got = within(ch)
	step("child-watch", got == zk.EventNodeChildrenChanged, got)
	_, _, ch, _ = conn.ExistsW(root + "/later")
	conn.Create(root+"/later", nil, zk.FlagEphemeral, open)
	got = within(ch)
	step("exists-watch", got == zk.EventNodeCreated, got)
	results, err := conn.Multi(&zk.CreateRequest{Path: root + "/m", Acl: open}, &zk.SetDataRequest{Path: root + "/m", Data: []byte("1"), Version: 0}, &zk.DeleteRequest{Path: root + "/m", Version: 1})
	step("multi", err == nil && len(results) == 3, err)
	_, err = conn.Multi(&zk.CreateRequest{Path: root + "/m", Acl: open}, &zk.CheckVersionRequest{Path: root, Version: 99})
	exists, _, _ := conn.Exists(root + "/m")
	step("multi-fails", err == zk.ErrBadVersion && !exists, err)
	err = conn.AddAuth("digest", []byte("joe:pw"))
	_, err1 = conn.Create(root+"/secret", nil, 0, zk.DigestACL(zk.PermAll, "joe", "pw"))
	other, _ := connect(os.Args[1])
	_, _, err2 = other.Get(root + "/secret")
	step("acl", err == nil && err1 == nil && err2 == zk.ErrNoAuth, []error{err, err1, err2})
	var inside, most int32
	var group sync.WaitGroup
	for _, each := range []*zk.Conn{conn, other} {
		group.Add(1)
		go func(c *zk.Conn) {
			defer group.Done()
			for i := 0; i < 5; i++ {
				lock := zk.NewLock(c, root+"/lock", open)
				if lock.Lock() != nil {
					atomic.StoreInt32(&most, 100)
					return
				}
				if now := atomic.AddInt32(&inside, 1); now > atomic.LoadInt32(&most) {
					atomic.StoreInt32(&most, now)
				}
				time.Sleep(5 * time.Millisecond)
				atomic.AddInt32(&inside, -1)
				lock.Unlock()
			}
		}(each)
	}
	group.Wait()
	step("lock", most == 1, most)
	_, _, ch, _ = conn.GetW(root)
	session := conn.SessionID()
	// The channel holds six events and drops what does not fit, the one we wait for included: empty it first.
	for empty := false; !empty; {
		select {
		case <-events:
		default:
			empty = true
		}
	}
	step("cut", true, nil)
	lost, back := false, false
	timeout := time.After(20 * time.Second)
	for !back {
		select {
		case event := <-events:
			lost = lost || event.State == zk.StateDisconnected
			back = lost && event.State == zk.StateHasSession
		case <-timeout:
			back = true
			lost = false
		}
	}
	exists, _, err = conn.Exists(root + "/later")
	step("reconnect", lost && exists && conn.SessionID() == session, err)
	// The watch was re-armed behind the handshake; wait for a reply, then change what it watches.
	for i := 0; i < 3; i++ {
		conn.Sync("/")
	}
	other.Set(root, []byte("after"), -1)
	if _, err = conn.Set(root, []byte("after the cut"), -1); err != nil {
		step("set-after-cut", false, err)
	}
	got = within(ch)
	step("watch-after-reconnect", got == zk.EventNodeDataChanged, got)
	other.Close()
	conn.Close()
	step("close", true, nil)
}
