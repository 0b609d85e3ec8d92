// Datagrams to flows, and flows to scores and alerts, by the C interface of NetFlowGen:
//
//	CGO_CFLAGS="$(pkg-config --cflags netflowgen)" CGO_LDFLAGS="$(pkg-config --libs netflowgen)" go run .
package main

/*
#include <netflowgen.h>
#include <stdlib.h>
*/
import "C"

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"
)

const start = int64(1700000040000) // the start of a minute

// call runs f on one thread: the text of an error is the thread's.
func call(f func() C.nfg_status) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if status := f(); status != C.NFG_OK {
		return fmt.Errorf("status %d: %s", int(status), C.GoString(C.nfg_last_error()))
	}
	return nil
}

func address(a, b, c, d byte) (out [16]C.uint8_t) {
	for i, octet := range []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d} {
		out[i] = C.uint8_t(octet)
	}
	return out
}

// v5 makes a NetFlow v5 datagram of UDP flows from 192.0.2.(i + 1) to 198.51.100.7.
func v5(count int) []byte {
	bytes := make([]byte, 24+48*count)
	binary.BigEndian.PutUint16(bytes, 5)
	binary.BigEndian.PutUint16(bytes[2:], uint16(count))
	binary.BigEndian.PutUint32(bytes[4:], 600000)
	binary.BigEndian.PutUint32(bytes[8:], uint32(start/1000))
	for i := 0; i < count; i++ {
		record := bytes[24+48*i:]
		binary.BigEndian.PutUint32(record, 0xc0000201+uint32(i))
		binary.BigEndian.PutUint32(record[4:], 0xc6336407)
		binary.BigEndian.PutUint32(record[16:], 10+uint32(i))
		binary.BigEndian.PutUint32(record[20:], 1000+uint32(i))
		binary.BigEndian.PutUint32(record[24:], 590000)
		binary.BigEndian.PutUint32(record[28:], 595000)
		binary.BigEndian.PutUint16(record[32:], 53)
		binary.BigEndian.PutUint16(record[34:], 4000)
		record[38] = 17
	}
	return bytes
}

func decode(payload []byte) error {
	var decoder *C.nfg_decoder
	if err := call(func() C.nfg_status { return C.nfg_decoder_open(nil, &decoder) }); err != nil {
		return err
	}
	defer C.nfg_decoder_close(decoder)
	exporter := address(192, 0, 2, 254)
	err := call(func() C.nfg_status {
		return C.nfg_decoder_decode(decoder, unsafe.Pointer(&payload[0]), C.size_t(len(payload)), &exporter[0], 2055, C.int64_t(start))
	})
	if err != nil {
		return err
	}
	flows := make([]C.nfg_flow, 64)
	for {
		n := int(C.nfg_decoder_read(decoder, &flows[0], C.size_t(len(flows))))
		if n == 0 {
			return nil
		}
		for _, f := range flows[:n] {
			fmt.Printf("flow %d.%d.%d.%d:%d -> %d.%d.%d.%d:%d protocol %d, %d packets, %d bytes\n",
				f.src[12], f.src[13], f.src[14], f.src[15], f.src_port,
				f.dst[12], f.dst[13], f.dst[14], f.dst[15], f.dst_port, f.protocol, f.packets, f.bytes)
		}
	}
}

// minute is a server's: clients that ask it, and answers. With flood, 3,000 packets of as many sources as well.
func minute(number int, flood bool) []C.nfg_flow {
	clients := 20 + number*7%5
	sources := clients
	if flood {
		sources += 3000
	}
	var flows []C.nfg_flow
	for i := 0; i < sources; i++ {
		var f C.nfg_flow
		f.src = address(198, 51, byte(i/250), byte(i%250+1))
		f.dst = address(192, 0, 2, 1)
		f.start_ms = C.int64_t(start + int64(number)*60000 + int64(i%50)*1000)
		f.end_ms = f.start_ms + 500
		f.received_ms = f.end_ms
		f.sampling, f.flows = 1, 1
		f.known = C.NFG_KNOWN_BYTES | C.NFG_KNOWN_PACKETS | C.NFG_KNOWN_PORTS | C.NFG_KNOWN_PROTOCOL |
			C.NFG_KNOWN_TCP_FLAGS | C.NFG_KNOWN_DURATION | C.NFG_KNOWN_ADDRESSES
		f.packets, f.bytes, f.tcp_flags = 1, 60, 0x02
		f.src_port, f.dst_port, f.protocol = C.uint16_t(40000+i), 443, 6
		if i >= clients {
			flows = append(flows, f)
			continue
		}
		f.packets, f.bytes, f.tcp_flags = 10, 900, 0x1b
		answer := f
		answer.src, answer.dst = f.dst, f.src
		answer.src_port, answer.dst_port, answer.bytes = f.dst_port, f.src_port, 9000
		flows = append(flows, f, answer)
	}
	return flows
}

func detect() error {
	nodes := C.CString("192.0.2.0/24")
	defer C.free(unsafe.Pointer(nodes))
	var options C.nfg_engine_options // model: the one that is installed
	options.size = C.size_t(unsafe.Sizeof(options))
	options.nodes = nodes
	options.step_ms = 60000
	options.threads = 1
	options.keep_scores = 1
	var engine *C.nfg_engine
	if err := call(func() C.nfg_status { return C.nfg_engine_open(&options, &engine) }); err != nil {
		return err
	}
	defer C.nfg_engine_close(engine)

	var quiet, flooded float64
	for m := 0; m < 105; m++ {
		flows := minute(m, m >= 100)
		err := call(func() C.nfg_status { return C.nfg_engine_add_flows(engine, &flows[0], C.size_t(len(flows))) })
		if err == nil {
			err = call(func() C.nfg_status { return C.nfg_engine_close_steps(engine, C.int64_t(start+int64(m+1)*60000)) })
		}
		if err != nil {
			return err
		}
		var score C.nfg_score
		for C.nfg_engine_next_score(engine, &score) == C.NFG_OK {
			value := float64(unsafe.Slice(score.scores, int(score.count))[0])
			if m >= 100 {
				flooded = value
			} else {
				quiet = value
			}
		}
		var json *C.char
		for C.nfg_engine_next_alert(engine, &json) == C.NFG_OK {
			fmt.Printf("alert in minute %d\n", m)
		}
	}
	fmt.Printf("%s: %.3f in the last quiet minute, %.3f in the flood\n", C.GoString(C.nfg_engine_task_name(engine, 0)), quiet, flooded)
	return nil
}

func run() error {
	if C.nfg_abi_version() != C.NFG_ABI_VERSION {
		return errors.New("the library is of another ABI version than its header")
	}
	if err := decode(v5(2)); err != nil {
		return err
	}
	return detect()
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "example:", err)
		os.Exit(1)
	}
}
