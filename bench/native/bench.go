// SPDX-License-Identifier: GPL-2.0

// The patterns of bench.c for Go, where they make sense: what bench.c frees is
// left to the garbage collector, so an operation is an allocation and its share
// of the collections. No object has pointers.
//
//	bench PATTERN THREADS SECONDS
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	nrSizes = 1024
	burstN  = 1024
	larsonN = 4096
	batchN  = 120
)

var (
	sizes  [nrSizes]int
	stop   int32
	sink   [16][]byte
	parked struct {
		sync.Mutex
		p *[larsonN][]byte
	}
)

func next(r *uint64) uint32 {
	*r = *r*6364136223846793005 + 1442695040888963407
	return uint32(*r >> 33)
}

//go:noinline
func get(n int) []byte {
	b := make([]byte, n)
	b[0] = 1
	b[n-1] = 1
	return b
}

func stopped() bool { return atomic.LoadInt32(&stop) != 0 }

func pair(id, threads int) (n int) {
	for !stopped() {
		for _, s := range sizes {
			sink[id] = get(s)
		}
		n += nrSizes
	}
	return n
}

func burst(id, threads int) (n int) {
	var p [burstN][]byte
	for !stopped() {
		for i := range p {
			p[i] = get(64)
		}
		for i := range p {
			p[i] = nil
		}
		n += burstN
	}
	return n
}

func larson(id, threads int) (n int) {
	p := new([larsonN][]byte)
	r := uint64(id + 1)
	for !stopped() {
		for i := 0; i < 1024; i++ {
			p[next(&r)%larsonN] = get(sizes[next(&r)%nrSizes])
		}
		n += 1024
		if n%(1<<18) == 0 && threads > 1 {
			parked.Lock()
			if parked.p == nil {
				parked.p = new([larsonN][]byte)
			}
			p, parked.p = parked.p, p
			parked.Unlock()
		}
	}
	return n
}

var ring = make(chan *[batchN][]byte, 64)

func xmalloc(id, threads int) (n int) {
	r := uint64(7)
	if threads > 1 && id&1 == 1 {
		for !stopped() {
			select {
			case b := <-ring:
				sink[id] = b[0]
			default:
				runtime.Gosched()
			}
		}
		return 0
	}
	for !stopped() {
		b := new([batchN][]byte)
		for i := range b {
			b[i] = get(sizes[next(&r)%nrSizes]/2 + 8)
		}
		n += batchN
		for sent := threads == 1; !sent && !stopped(); {
			select {
			case ring <- b:
				sent = true
			default:
				runtime.Gosched()
			}
		}
	}
	return n
}

// What the process has used: the collector works in threads of its own.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: bench pair|burst|larson|xmalloc THREADS SECONDS")
		os.Exit(2)
	}
	threads, _ := strconv.Atoi(os.Args[2])
	seconds, _ := strconv.ParseFloat(os.Args[3], 64)
	run := map[string]func(int, int) int{"pair": pair, "burst": burst, "larson": larson,
		"xmalloc": xmalloc}[os.Args[1]]
	if run == nil || threads < 1 || threads > len(sink) || seconds <= 0 {
		fmt.Fprintln(os.Stderr, "bench: no such pattern, or a strange number")
		os.Exit(2)
	}
	r := uint64(1)
	for i := range sizes {
		sizes[i] = 8 + int(next(&r)%1017)
	}
	var wg sync.WaitGroup
	var total int64
	runtime.GOMAXPROCS(threads)
	begin, beginCPU := time.Now(), cpuTime()
	time.AfterFunc(time.Duration(seconds*1e9), func() { atomic.StoreInt32(&stop, 1) })
	for i := 0; i < threads; i++ {
		wg.Add(1)
		go func(id int) {
			runtime.LockOSThread()
			atomic.AddInt64(&total, int64(run(id, threads)))
			wg.Done()
		}(i)
	}
	wg.Wait()
	wall, cpu := time.Since(begin), cpuTime()-beginCPU
	if os.Args[1] != "xmalloc" {
		wall *= time.Duration(threads)
	}
	fmt.Printf("%.2f %.2f\n", float64(wall)/float64(total), float64(cpu)/float64(total))
}
