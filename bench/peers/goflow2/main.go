// The other side of bench_protobuf: goflow2's messages of a file, read by goflow2's own Go type, as its consumers do. Prints flows a CPU second and the sum
// of their bytes. Usage: go build -C bench/peers/goflow2 -o PROGRAM; GOFLOW2_PEER=PROGRAM bench_protobuf
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"syscall"

	flowpb "github.com/netsampler/goflow2/v2/pb"
	"google.golang.org/protobuf/proto"
)

const rounds = 5

func cpuSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) * 1e-9
}

func main() {
	data, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	var values [][]byte // as a consumer hands them out: not part of the time
	for len(data) > 0 {
		size, n := binary.Uvarint(data)
		values = append(values, data[n:n+int(size)])
		data = data[n+int(size):]
	}
	best, total := 0.0, uint64(0)
	var message flowpb.FlowMessage // one for all, which is the fastest way
	for round := 0; round < rounds; round++ {
		total = 0
		start := cpuSeconds()
		for _, value := range values {
			proto.Reset(&message)
			if err := proto.Unmarshal(value, &message); err != nil {
				panic(err)
			}
			total += message.Bytes
		}
		best = max(best, float64(len(values))/(cpuSeconds()-start))
	}
	fmt.Println(best, total)
}
