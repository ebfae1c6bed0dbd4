// Driver of go-zookeeper/zk. Calls block there, so requests in flight at once are as many goroutines.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-zookeeper/zk"
)

type quiet struct{}

func (quiet) Printf(string, ...interface{}) {}

type command struct {
	Command  string  `json:"command"`
	Kind     string  `json:"kind"`
	Window   int     `json:"window"`
	Watches  int     `json:"watches"`
	Count    int     `json:"count"`
	Seconds  float64 `json:"seconds"`
	WarmUp   float64 `json:"warmUp"`
	Patience float64 `json:"patience"`
}

type answer map[string]interface{}

const znodes = 1000

var (
	conn  *zk.Conn
	data  = []byte(strings.Repeat("x", 100))
	paths [znodes]string
)

func watchedPath(i int) string { return fmt.Sprintf("/bench/watched/w%07d", i) }

func seconds(value float64) time.Duration { return time.Duration(value * float64(time.Second)) }

func cpuUs() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Sec+usage.Stime.Sec)*1e6 + float64(usage.Utime.Usec+usage.Stime.Usec)
}

func request(kind, path string) error {
	if kind == "set" {
		_, err := conn.Set(path, data, -1)
		return err
	}
	got, _, err := conn.Get(path)
	if err == nil && len(got) == 0 {
		return errors.New("no data at " + path)
	}
	return err
}

// Runs count calls, at most window at once.
func all(count, window int, call func(i int) error) error {
	var next int64 = -1
	var group sync.WaitGroup
	var failure atomic.Value
	for w := 0; w < window; w++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := int(atomic.AddInt64(&next, 1)); i < count; i = int(atomic.AddInt64(&next, 1)) {
				if err := call(i); err != nil {
					failure.Store(err.Error())
					return
				}
			}
		}()
	}
	group.Wait()
	if reason := failure.Load(); reason != nil {
		return errors.New(reason.(string))
	}
	return nil
}

func percentiles(latencies []float64, into answer) answer {
	sort.Float64s(latencies)
	at := func(share float64) float64 {
		i := int(float64(len(latencies)) * share)
		if i >= len(latencies) {
			i = len(latencies) - 1
		}
		return latencies[i]
	}
	into["p50"], into["p99"] = at(0.5), at(0.99)
	return into
}

func memory() (heap, resident float64) {
	runtime.GC()
	runtime.GC()
	debug.FreeOSMemory()
	time.Sleep(100 * time.Millisecond)
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	status, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(status), "\n") {
		if strings.HasPrefix(line, "VmRSS:") {
			kilobytes, _ := strconv.ParseFloat(strings.Fields(line)[1], 64)
			resident = kilobytes * 1024
		}
	}
	return float64(stats.HeapAlloc + stats.StackInuse), resident
}

func prepare() error {
	create := func(path string) error {
		if _, err := conn.Create(path, data, 0, zk.WorldACL(zk.PermAll)); err != nil && err != zk.ErrNodeExists {
			return err
		}
		return nil
	}
	if err := create("/bench"); err != nil {
		return err
	}
	return all(znodes, 100, func(i int) error { return create(paths[i]) })
}

func sequential(kind string, duration time.Duration) (latencies []float64, err error) {
	until := time.Now().Add(duration)
	for i := 0; ; i++ {
		sentAt := time.Now()
		if err = request(kind, paths[i%znodes]); err != nil {
			return
		}
		now := time.Now()
		latencies = append(latencies, float64(now.Sub(sentAt).Nanoseconds())/1e3)
		if now.After(until) {
			return
		}
	}
}

func pipelined(kind string, window int, duration time.Duration) (int64, error) {
	var count int64
	var isOver int32
	var group sync.WaitGroup
	var failure atomic.Value
	time.AfterFunc(duration, func() { atomic.StoreInt32(&isOver, 1) })
	for w := 0; w < window; w++ {
		group.Add(1)
		go func(at int) {
			defer group.Done()
			var own int64
			for atomic.LoadInt32(&isOver) == 0 {
				if err := request(kind, paths[at%znodes]); err != nil {
					failure.Store(err.Error())
					break
				}
				own++
				at += window
			}
			atomic.AddInt64(&count, own)
		}(w)
	}
	group.Wait()
	if reason := failure.Load(); reason != nil {
		return 0, errors.New(reason.(string))
	}
	return count, nil
}

func watch(path string) (<-chan zk.Event, error) {
	_, _, events, err := conn.GetW(path)
	return events, err
}

func watchAll(count int) ([]<-chan zk.Event, error) {
	channels := make([]<-chan zk.Event, count)
	err := all(count, 1000, func(i int) (err error) {
		channels[i], err = watch(watchedPath(i))
		return
	})
	return channels, err
}

// How many of channels told a change of data before the time was over.
func heardOf(channels []<-chan zk.Event, patience time.Duration) int {
	over := time.After(patience)
	heard := 0
	for _, events := range channels {
		select {
		case event := <-events:
			if event.Type == zk.EventNodeDataChanged {
				heard++
			}
		case <-over:
			return heard
		}
	}
	return heard
}

func deliver(o command) (answer, error) {
	count, elapsed, cpu, spent, isWarm := 0, 0.0, 0.0, 0.0, false
	for spent < o.Seconds || !isWarm {
		if !isWarm && spent >= o.WarmUp {
			isWarm = true
			count, elapsed, cpu, spent = 0, 0, 0, 0
		}
		begun := time.Now()
		channels, err := watchAll(o.Watches)
		if err != nil {
			return nil, err
		}
		cpuAt := cpuUs()
		startedAt := time.Now()
		told := make(chan error, 1)
		go func() {
			_, err := conn.Set("/fire", data, -1)
			told <- err
		}()
		if heard := heardOf(channels, 30*time.Second); heard != o.Watches {
			return nil, fmt.Errorf("%d of %d events came", heard, o.Watches)
		}
		elapsed += time.Since(startedAt).Seconds()
		cpu += cpuUs() - cpuAt
		if err := <-told; err != nil {
			return nil, err
		}
		count += o.Watches
		spent += time.Since(begun).Seconds()
	}
	return answer{"count": count, "perSecond": float64(count) / elapsed, "cpuPerOpUs": cpu / float64(count)}, nil
}

func notify(o command) (answer, error) {
	channels := make([]<-chan zk.Event, o.Watches)
	err := all(o.Watches, 1000, func(i int) (err error) {
		channels[i], err = watch(paths[i])
		return
	})
	if err != nil {
		return nil, err
	}
	var latencies []float64
	begun := time.Now()
	for i, isWarm := 0, false; ; i = (i + 1) % o.Watches {
		spent := time.Since(begun).Seconds()
		if !isWarm && spent >= o.WarmUp {
			isWarm, latencies = true, nil
		}
		if spent >= o.WarmUp+o.Seconds {
			break
		}
		told := make(chan error, 1)
		sentAt := time.Now()
		go func() {
			_, err := conn.Set(paths[i], data, -1)
			told <- err
		}()
		if event := <-channels[i]; event.Type != zk.EventNodeDataChanged {
			return nil, errors.New("an event of another type")
		}
		latencies = append(latencies, float64(time.Since(sentAt).Nanoseconds())/1e3)
		if err := <-told; err != nil {
			return nil, err
		}
		if channels[i], err = watch(paths[i]); err != nil {
			return nil, err
		}
	}
	return percentiles(latencies, answer{"count": len(latencies)}), nil
}

var armed []<-chan zk.Event

func watches(o command) (answer, error) {
	if err := all(5000, 1000, func(i int) error { return request("get", paths[i%znodes]) }); err != nil {
		return nil, err
	}
	heap, resident := memory()
	var err error
	if armed, err = watchAll(o.Count); err != nil {
		return nil, err
	}
	heapAfter, residentAfter := memory()
	each := float64(o.Count)
	return answer{"heapBytes": (heapAfter - heap) / each, "residentBytes": (residentAfter - resident) / each}, nil
}

func rearm(o command) (answer, error) {
	cutAt := time.Now()
	conn.Set("/cut", data, -1)
	usableAfter := time.Duration(-1)
	for usableAfter < 0 && time.Since(cutAt) < seconds(o.Patience) {
		told := make(chan error, 1)
		go func() { told <- request("get", "/bench") }()
		select {
		case err := <-told:
			if err == nil {
				usableAfter = time.Since(cutAt)
			} else {
				time.Sleep(2 * time.Millisecond)
			}
		case <-time.After(2 * time.Second):
		}
	}
	if usableAfter < 0 {
		return answer{"usable": false}, nil
	}
	time.Sleep(200 * time.Millisecond)
	text, _, err := conn.Get("/stats")
	if err != nil {
		return nil, err
	}
	told := answer{}
	if err := json.Unmarshal(text, &told); err != nil {
		return nil, err
	}
	go conn.Set("/fire", data, -1)
	told["heard"] = heardOf(armed, 5*time.Second)
	told["usable"] = true
	told["usableAfterMs"] = float64(usableAfter.Microseconds()) / 1e3
	return told, nil
}

func pending(o command) (answer, error) {
	if err := all(20000, 1000, func(i int) error { return request("get", paths[i%znodes]) }); err != nil {
		return nil, err
	}
	heap, resident := memory()
	done := make(chan error, 1)
	go func() {
		done <- all(o.Count, o.Count, func(i int) error { return request("get", "/hold"+paths[i%znodes]) })
	}()
	time.Sleep(time.Second)
	heapAfter, residentAfter := memory()
	if err := request("get", "/release"); err != nil {
		return nil, err
	}
	if err := <-done; err != nil {
		return nil, err
	}
	each := float64(o.Count)
	return answer{"heapBytes": (heapAfter - heap) / each, "residentBytes": (residentAfter - resident) / each}, nil
}

func run(o command) (answer, error) {
	switch o.Command {
	case "prepare":
		return answer{}, prepare()
	case "sequential":
		if _, err := sequential(o.Kind, seconds(o.WarmUp)); err != nil {
			return nil, err
		}
		cpu := cpuUs()
		latencies, err := sequential(o.Kind, seconds(o.Seconds))
		if err != nil {
			return nil, err
		}
		count := float64(len(latencies))
		return percentiles(latencies, answer{"count": count, "perSecond": count / o.Seconds, "cpuPerOpUs": (cpuUs() - cpu) / count}), nil
	case "pipelined":
		if _, err := pipelined(o.Kind, o.Window, seconds(o.WarmUp)); err != nil {
			return nil, err
		}
		cpu := cpuUs()
		startedAt := time.Now()
		count, err := pipelined(o.Kind, o.Window, seconds(o.Seconds))
		if err != nil {
			return nil, err
		}
		each := float64(count)
		return answer{"count": count, "perSecond": each / time.Since(startedAt).Seconds(), "cpuPerOpUs": (cpuUs() - cpu) / each}, nil
	case "deliver":
		return deliver(o)
	case "notify":
		return notify(o)
	case "watches":
		return watches(o)
	case "rearm":
		return rearm(o)
	case "pending":
		return pending(o)
	}
	return nil, errors.New("no command " + o.Command)
}

func say(told answer) {
	line, _ := json.Marshal(told)
	fmt.Println(string(line))
}

func main() {
	for i := range paths {
		paths[i] = fmt.Sprintf("/bench/n%05d", i)
	}
	var events <-chan zk.Event
	var err error
	conn, events, err = zk.Connect([]string{"127.0.0.1:" + os.Args[1]}, 30*time.Second, zk.WithLogger(quiet{}))
	if err != nil {
		panic(err)
	}
	for event := range events {
		if event.State == zk.StateHasSession {
			break
		}
	}
	say(answer{"ok": true})
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var o command
		told, err := answer(nil), json.Unmarshal(lines.Bytes(), &o)
		if err == nil {
			told, err = run(o)
		}
		if err != nil {
			say(answer{"ok": false, "reason": err.Error()})
			continue
		}
		told["ok"] = true
		say(told)
	}
}
