//! Datagrams to flows, and flows to scores and alerts, by the C interface of NetFlowGen. No crate is needed:
//!
//!     RUSTFLAGS="$(pkg-config --libs netflowgen)" cargo run

use std::ffi::{CStr, CString};
use std::mem::{size_of, zeroed};
use std::os::raw::{c_char, c_void};
use std::ptr::{null, null_mut};

// What netflowgen.h declares.
const ABI_VERSION: u32 = 1;
const OK: i32 = 0;
const KNOWN: u32 = 1 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 17; // octets, packets, ports ... addresses

#[repr(C)]
#[derive(Clone, Copy)]
struct Flow {
    start_ms: i64,
    end_ms: i64,
    received_ms: i64,
    src: [u8; 16],
    dst: [u8; 16],
    exporter: [u8; 16],
    next_hop: [u8; 16],
    nat_src: [u8; 16],
    nat_dst: [u8; 16],
    bytes: u64,
    packets: u64,
    sampling: u32,
    flows: u32,
    known: u32,
    domain: u32,
    in_if: u32,
    out_if: u32,
    src_as: u32,
    dst_as: u32,
    vrf_in: u32,
    vrf_out: u32,
    mpls_label: u32,
    src_port: u16,
    dst_port: u16,
    nat_src_port: u16,
    nat_dst_port: u16,
    vlan_in: u16,
    vlan_out: u16,
    icmp_type_code: u16,
    event: u16,
    protocol: u8,
    tcp_flags: u8,
    tos: u8,
    ttl: u8,
    src_mask: u8,
    dst_mask: u8,
    direction: u8,
    fragment: u8,
    version: u8,
    src_mac: [u8; 6],
    dst_mac: [u8; 6],
}

#[repr(C)]
struct EngineOptions {
    size: usize,
    model: *const c_char,
    policy: *const c_char,
    nodes: *const c_char,
    prefixes: *const c_char,
    step_ms: i64,
    lateness_ms: i64,
    max_nodes: usize,
    max_queued: usize,
    threads: i32,
    keep_scores: i32,
}

#[repr(C)]
struct Score {
    node: *const c_char,
    time_ms: i64,
    scores: *const f32,
    count: usize,
    position: u32,
    reserved: u32,
}

#[link(name = "netflowgen")]
extern "C" {
    fn nfg_abi_version() -> u32;
    fn nfg_last_error() -> *const c_char;
    fn nfg_decoder_open(options: *const c_void, decoder: *mut *mut c_void) -> i32;
    fn nfg_decoder_decode(decoder: *mut c_void, payload: *const u8, size: usize, source: *const u8, port: u16, received_ms: i64) -> i32;
    fn nfg_decoder_read(decoder: *mut c_void, flows: *mut Flow, capacity: usize) -> usize;
    fn nfg_decoder_close(decoder: *mut c_void);
    fn nfg_engine_open(options: *const EngineOptions, engine: *mut *mut c_void) -> i32;
    fn nfg_engine_add_flows(engine: *mut c_void, flows: *const Flow, count: usize) -> i32;
    fn nfg_engine_close_steps(engine: *mut c_void, time_ms: i64) -> i32;
    fn nfg_engine_next_score(engine: *mut c_void, score: *mut Score) -> i32;
    fn nfg_engine_next_alert(engine: *mut c_void, json: *mut *const c_char) -> i32;
    fn nfg_engine_task_name(engine: *const c_void, index: usize) -> *const c_char;
    fn nfg_engine_close(engine: *mut c_void);
}

const START: i64 = 1_700_000_040_000; // the start of a minute

fn check(status: i32) -> Result<(), String> {
    if status == OK {
        return Ok(());
    }
    // SAFETY: the text is valid until the next call that fails in this thread.
    Err(format!("status {status}: {}", unsafe { CStr::from_ptr(nfg_last_error()) }.to_string_lossy()))
}

/// A handle that is closed when it goes out of scope. It is for one thread at a time.
struct Decoder(*mut c_void);
impl Drop for Decoder {
    fn drop(&mut self) {
        unsafe { nfg_decoder_close(self.0) }
    }
}

struct Engine(*mut c_void);
impl Drop for Engine {
    fn drop(&mut self) {
        unsafe { nfg_engine_close(self.0) }
    }
}

fn address(a: u8, b: u8, c: u8, d: u8) -> [u8; 16] {
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d]
}

/// A NetFlow v5 datagram of UDP flows from 192.0.2.(i + 1) to 198.51.100.7.
fn v5(count: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(5u16.to_be_bytes());
    bytes.extend((count as u16).to_be_bytes());
    bytes.extend(600_000u32.to_be_bytes());
    bytes.extend(((START / 1000) as u32).to_be_bytes());
    bytes.resize(24, 0);
    for i in 0..count {
        let mut record = Vec::new();
        for word in [0xc000_0201 + i, 0xc633_6407, 0, 0, 10 + i, 1000 + i, 590_000, 595_000] {
            record.extend(word.to_be_bytes());
        }
        record.extend(53u16.to_be_bytes());
        record.extend(4000u16.to_be_bytes());
        record.extend([0, 0, 17]);
        record.resize(48, 0);
        bytes.extend(record);
    }
    bytes
}

fn decode(payload: &[u8]) -> Result<(), String> {
    let mut decoder = Decoder(null_mut());
    check(unsafe { nfg_decoder_open(null(), &mut decoder.0) })?;
    let exporter = address(192, 0, 2, 254);
    check(unsafe { nfg_decoder_decode(decoder.0, payload.as_ptr(), payload.len(), exporter.as_ptr(), 2055, START) })?;
    // SAFETY: a flow is plain numbers, for which zero is a value.
    let mut flows = [unsafe { zeroed::<Flow>() }; 64];
    loop {
        let n = unsafe { nfg_decoder_read(decoder.0, flows.as_mut_ptr(), flows.len()) };
        if n == 0 {
            return Ok(());
        }
        for f in &flows[..n] {
            let text = |a: &[u8; 16]| format!("{}.{}.{}.{}", a[12], a[13], a[14], a[15]);
            println!(
                "flow {}:{} -> {}:{} protocol {}, {} packets, {} bytes",
                text(&f.src), f.src_port, text(&f.dst), f.dst_port, f.protocol, f.packets, f.bytes
            );
        }
    }
}

/// One minute of a server: clients that ask it, and answers. With `flood`, 3,000 packets of as many sources as well.
fn minute(number: i64, flood: bool) -> Vec<Flow> {
    let clients = 20 + number * 7 % 5;
    let mut flows = Vec::new();
    for i in 0..clients + if flood { 3000 } else { 0 } {
        // SAFETY: as above.
        let mut f = unsafe { zeroed::<Flow>() };
        f.src = address(198, 51, (i / 250) as u8, (i % 250 + 1) as u8);
        f.dst = address(192, 0, 2, 1);
        f.start_ms = START + number * 60_000 + i % 50 * 1000;
        f.end_ms = f.start_ms + 500;
        f.received_ms = f.end_ms;
        (f.sampling, f.flows, f.known) = (1, 1, KNOWN);
        (f.src_port, f.dst_port, f.protocol) = (40_000 + i as u16, 443, 6);
        if i >= clients {
            (f.packets, f.bytes, f.tcp_flags) = (1, 60, 0x02);
            flows.push(f);
            continue;
        }
        (f.packets, f.bytes, f.tcp_flags) = (10, 900, 0x1b);
        let mut answer = f;
        (answer.src, answer.dst) = (f.dst, f.src);
        (answer.src_port, answer.dst_port, answer.bytes) = (f.dst_port, f.src_port, 9000);
        flows.extend([f, answer]);
    }
    flows
}

fn detect() -> Result<(), String> {
    let nodes = CString::new("192.0.2.0/24").unwrap();
    // SAFETY: pointers may be null; the model is then the one that is installed.
    let mut options = unsafe { zeroed::<EngineOptions>() };
    options.size = size_of::<EngineOptions>();
    options.nodes = nodes.as_ptr();
    options.step_ms = 60_000;
    options.threads = 1;
    options.keep_scores = 1;
    let mut engine = Engine(null_mut());
    check(unsafe { nfg_engine_open(&options, &mut engine.0) })?;

    let (mut quiet, mut flooded) = (0.0, 0.0);
    for m in 0..105 {
        let flows = minute(m, m >= 100);
        check(unsafe { nfg_engine_add_flows(engine.0, flows.as_ptr(), flows.len()) })?;
        check(unsafe { nfg_engine_close_steps(engine.0, START + (m + 1) * 60_000) })?;
        let mut score = unsafe { zeroed::<Score>() };
        while unsafe { nfg_engine_next_score(engine.0, &mut score) } == OK {
            // SAFETY: valid until the next call with the engine.
            let value = unsafe { std::slice::from_raw_parts(score.scores, score.count) }[0];
            *(if m >= 100 { &mut flooded } else { &mut quiet }) = value;
        }
        let mut json = null();
        while unsafe { nfg_engine_next_alert(engine.0, &mut json) } == OK {
            println!("alert in minute {m}");
        }
    }
    let task = unsafe { CStr::from_ptr(nfg_engine_task_name(engine.0, 0)) }.to_string_lossy();
    println!("{task}: {quiet:.3} in the last quiet minute, {flooded:.3} in the flood");
    Ok(())
}

fn run() -> Result<(), String> {
    if unsafe { nfg_abi_version() } != ABI_VERSION {
        return Err("the library is of another ABI version than this program".into());
    }
    decode(&v5(2))?;
    detect()
}

fn main() {
    if let Err(text) = run() {
        eprintln!("example: {text}");
        std::process::exit(1);
    }
}
