//! scratch
use beewolf::{
    event::{id::Origin, json},
    kernel::{self, Role, attach::KindSet, helper::StartRequest},
    sensor::live::{Item, Live},
};
use std::time::{Duration, Instant};
fn main() {
    let client = match kernel::split().unwrap() {
        Role::Helper(code) => std::process::exit(code.into()),
        Role::Engine(c) => c,
    };
    let args: Vec<String> = std::env::args().collect();
    let meta = std::fs::metadata(&args[1]).unwrap();
    use std::os::unix::fs::MetadataExt;
    let level = args[1]
        .trim_end_matches('/')
        .trim_start_matches("/sys/fs/cgroup")
        .trim_start_matches("/unified")
        .matches('/')
        .count() as u32;
    let t = Instant::now();
    let started = client
        .start(StartRequest {
            kinds: KindSet::all().0,
            rings: 2,
            ring_bytes: 1 << 22,
            scope_level: level,
            scope_cgroup: meta.ino(),
        })
        .unwrap();
    eprintln!("loaded in {:?}", t.elapsed());
    eprintln!("{}", serde_json::to_string_pretty(&started.plan).unwrap());
    let mut live = Live::new(started.rings, 1 << 22, &started.counters, Origin::new("m", "b"), "boot").unwrap();
    let it = client.iterate().unwrap();
    live.read_seeds(it, |seed| {
        eprintln!(
            "SEED {:?} {:?} {:?}",
            seed.key,
            seed.process.executable.as_deref().map(String::from_utf8_lossy),
            seed.cgroup_path.as_deref().map(String::from_utf8_lossy)
        )
    })
    .unwrap();
    eprintln!("watching");
    let end = Instant::now() + Duration::from_secs(args[2].parse().unwrap());
    let mut n = 0u64;
    while Instant::now() < end {
        live.wait(Duration::from_millis(100)).unwrap();
        live.round(|item| {
            n += 1;
            if args.len() > 3 {
                return;
            }
            match item {
                Item::Event(e) => {
                    let mut out = Vec::new();
                    json::write(&mut out, &e, json::Form::Ours);
                    println!("{}", String::from_utf8_lossy(&out));
                }
                Item::Seed(seed) => println!(
                    "SEED {:?} {:?} {:?}",
                    seed.key,
                    seed.process.executable.as_deref().map(String::from_utf8_lossy),
                    seed.cgroup_path.as_deref().map(String::from_utf8_lossy)
                ),
            }
        });
    }
    eprintln!("{:?}", client.recursion_misses());
    client.detach().unwrap();
    live.finish(|_| n += 1);
    eprintln!("{n} {:?}", live.counters());
}
