"""The other side of bench_protobuf: goflow2's messages of a file, read as a Python consumer does (protobuf's C extension), with the
same fields. Prints flows a CPU second. Usage: protobuf_peer.py FILE; exit 77 where protobuf is not installed."""
import sys
import time

try:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
except ImportError:
    sys.exit(77)

NUMBERS = {"type": 1, "sampling_rate": 3, "bytes": 9, "packets": 10, "proto": 20, "src_port": 21, "dst_port": 22,
           "in_if": 18, "out_if": 19, "tcp_flags": 26, "etype": 30, "time_received_ns": 110, "time_flow_start_ns": 111,
           "time_flow_end_ns": 112}
BLOBS = {"src_addr": 6, "dst_addr": 7, "sampler_address": 11}


def message_class():
    file = descriptor_pb2.FileDescriptorProto(name="flow.proto", syntax="proto3")
    message = file.message_type.add(name="FlowMessage")
    for fields, kind in ((NUMBERS, 4), (BLOBS, 12)):
        for name, number in fields.items():
            message.field.add(name=name, number=number, type=kind, label=1)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("FlowMessage"))


def messages(data):
    at = 0
    while at < len(data):
        length = shift = 0
        while True:
            byte = data[at]
            at += 1
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        yield data[at : at + length]
        at += length


FlowMessage = message_class()
data = open(sys.argv[1], "rb").read()
values = list(messages(data))  # as a consumer hands them out: not part of the time
start = time.process_time()
total = 0
for value in values:
    m = FlowMessage()
    m.ParseFromString(value)
    flow = (m.time_flow_start_ns, m.time_flow_end_ns, m.time_received_ns, m.src_addr, m.dst_addr, m.sampler_address, m.bytes,
            m.packets, m.sampling_rate, m.proto, m.src_port, m.dst_port, m.in_if, m.out_if, m.tcp_flags)
    total += flow[6]
seconds = time.process_time() - start
print(len(values) / seconds, total)
