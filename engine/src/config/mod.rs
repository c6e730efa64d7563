//! The configuration: one YAML file, strict, every bound with a default.
//!
//! [`ROWS`] is the truth: reading, the commented default file, the schema and the reference come
//! from it. Settings of sinks stand in the sinks' own files.

mod diagnostic;
mod indicators;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    indicator,
    rule::{Selection, Trust},
    scan,
    setting::{self, Data, Node, Preset, Problem, Row, Type, Value, Values, comment},
    sink::{self, SinkConfig},
    store::{self, CappedError},
};

pub use diagnostic::render;
pub use indicators::{IndicatorConfig, NAME as INDICATORS};

/// Where the configuration is looked for when no file is named.
pub const DEFAULT_PATH: &str = "/etc/beewolf/beewolf.yml";
/// Where the status is asked for when nothing is configured.
pub const DEFAULT_SOCKET: &str = "/run/beewolf/status.sock";
/// Largest configuration file, in bytes.
const MAX_BYTES: u64 = 1 << 20;
/// Most sinks.
const MAX_SINKS: usize = 32;

const fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

/// A loopback address with its port.
fn loopback(text: &str) -> Result<SocketAddr, &'static str> {
    let address: SocketAddr = text.parse().map_err(|_| "is no IP address with a port")?;
    if address.ip().is_loopback() { Ok(address) } else { Err("is not a loopback address") }
}

/// Every setting outside the sinks.
pub const ROWS: &[Row] = &[
    Row {
        name: "rules",
        ty: Type::Paths,
        preset: Preset::List(&["/etc/beewolf/rules"]),
        doc: "Files and folders with native rules, and with Falco's; folders are searched for `*.yml` and `*.yaml`.",
    },
    Row {
        name: "sigma",
        ty: Type::Paths,
        preset: Preset::List(&["/etc/beewolf/sigma"]),
        doc: "Files and folders with Sigma rules.",
    },
    Row {
        name: "sigma_placeholders",
        ty: Type::Path,
        preset: Preset::Absent,
        doc: "File that says what the modifier `expand` puts for `%name%`: a mapping of names to a value or a list of values. Absent: rules with placeholders are rejected.",
    },
    Row {
        name: "whitelists",
        ty: Type::Paths,
        preset: Preset::List(&[]),
        doc: "Files with entries that suppress alerts of all rules.",
    },
    Row {
        name: "selection.tags",
        ty: Type::Texts,
        preset: Preset::List(&[]),
        doc: "Only rules with one of these tags are used; `attack.t1059` stands for `attack.t1059.004`, too. None: all rules.",
    },
    Row {
        name: "selection.folders",
        ty: Type::Texts,
        preset: Preset::List(&[]),
        doc: "Only rules in folders of these names, or below them, are used: rule sets by folder. None: all rules.",
    },
    Row {
        name: "selection.exclude",
        ty: Type::Texts,
        preset: Preset::List(&[]),
        doc: "Tags, folders and ids of rules that are not used. To switch off a rule with a reason and an owner, write an override.",
    },
    Row {
        name: "signatures.keys",
        ty: Type::Texts,
        preset: Preset::List(&[]),
        doc: "Public keys of those who may sign rules, as `minisign -G` prints them (`RW...`). The signature of `FILE`, made with `minisign -S -m FILE`, is in `FILE.minisig`; one that does not hold is an error. Rules, whitelists, placeholders and field maps are signed, indicator lists are not.",
    },
    Row {
        name: "signatures.required",
        ty: Type::Boolean,
        preset: Preset::Boolean(false),
        doc: "Whether files that none of these has signed are refused.",
    },
    Row {
        name: "reload.interval",
        ty: Type::Duration { min: Duration::ZERO, max: seconds(3600) },
        preset: Preset::Duration(seconds(2)),
        doc: "How often the files of rules, whitelists and indicator lists are looked at. What has changed is brought into force as soon as it has been the same twice; 0 for never. SIGHUP does it at once.",
    },
    Row {
        name: "reload.generations",
        ty: Type::Path,
        preset: Preset::Text("/var/lib/beewolf/generations"),
        doc: "Folder for the rules that were in force: what the sensor starts with if the rules are broken, and what `beewolf rules rollback` goes back to. Rules that the command line names are not kept.",
    },
    Row {
        name: "reload.keep",
        ty: Type::Integer { min: 1, max: 1000 },
        preset: Preset::Number(5),
        doc: "How many of these are kept.",
    },
    Row {
        name: "scan.yara",
        ty: Type::Paths,
        preset: Preset::List(&["/etc/beewolf/yara"]),
        doc: "Files and folders with YARA rules; folders are searched for `*.yar` and `*.yara`. They are asked of every program that is started, and of what is written in watched folders; a match is an event, `yara_match`, and rules say what it means.",
    },
    Row {
        name: "scan.watch",
        ty: Type::Paths,
        preset: Preset::List(&[]),
        doc: "Folders whose files are scanned when they have been written and closed, with the folders in them.",
    },
    Row {
        name: "scan.max_bytes",
        ty: Type::Size { min: 4096, max: 1 << 30 },
        preset: Preset::Number(32 << 20),
        doc: "Bytes of a file that are scanned. What comes after is not, and the event says so.",
    },
    Row {
        name: "scan.timeout",
        ty: Type::Duration { min: seconds(1), max: seconds(600) },
        preset: Preset::Duration(seconds(10)),
        doc: "Time for one file, in whole seconds. A file that takes longer is counted as missed.",
    },
    Row {
        name: "scan.queue",
        ty: Type::Integer { min: 1, max: 1_000_000 },
        preset: Preset::Number(4096),
        doc: "Files that wait to be scanned. What finds no room is counted as missed.",
    },
    Row {
        name: "scan.cache_entries",
        ty: Type::Integer { min: 1, max: 16_000_000 },
        preset: Preset::Number(16_384),
        doc: "Files that are known again by their identity and last change, and are not scanned a second time.",
    },
    Row {
        name: "scan.matches",
        ty: Type::Integer { min: 1, max: 1000 },
        preset: Preset::Number(16),
        doc: "YARA rules that are told of one file; more are counted as missed.",
    },
    Row {
        name: "scan.folders",
        ty: Type::Integer { min: 1, max: 1_000_000 },
        preset: Preset::Number(8192),
        doc: "Folders that are watched, those within others counted each. The kernel has a bound of its own, fs.inotify.max_user_watches.",
    },
    Row {
        name: "status_interval",
        ty: Type::Duration { min: Duration::ZERO, max: seconds(86_400) },
        preset: Preset::Duration(seconds(10)),
        doc: "Time between two status messages; 0 for none.",
    },
    Row {
        name: "status.enabled",
        ty: Type::Boolean,
        preset: Preset::Boolean(true),
        doc: "Whether `beewolf run` answers `beewolf status` on a local socket.",
    },
    Row {
        name: "status.socket",
        ty: Type::Path,
        preset: Preset::Text(DEFAULT_SOCKET),
        doc: "Where it answers: HTTP with `/status` (JSON) and `/metrics` (Prometheus). Only its owner may connect.",
    },
    Row {
        name: "status.loopback",
        ty: Type::Text,
        preset: Preset::Absent,
        doc: "Loopback address and port that answer the same over TCP, to any user of this host: `127.0.0.1:9464`. Absent: none.",
    },
    Row {
        name: "shutdown",
        ty: Type::Duration { min: Duration::ZERO, max: seconds(300) },
        preset: Preset::Duration(seconds(5)),
        doc: "How long the sinks may go on delivering what is queued when the sensor ends.",
    },
    Row {
        name: "deduplication.window",
        ty: Type::Duration { min: Duration::ZERO, max: seconds(86_400) },
        preset: Preset::Duration(seconds(60)),
        doc: "How long after an alert its repeats are told as updates of it instead of alerts of their own; 0 for never. Repeats are of the same rule, cgroup, user, program, arguments and parent program, and of the same file, address or end.",
    },
    Row {
        name: "deduplication.update_interval",
        ty: Type::Duration { min: Duration::ZERO, max: seconds(86_400) },
        preset: Preset::Duration(seconds(10)),
        doc: "Least time between two updates of one alert. The last one comes when the window ends.",
    },
    Row {
        name: "deduplication.entries",
        ty: Type::Integer { min: 1, max: 1_000_000 },
        preset: Preset::Number(8192),
        doc: "Alerts whose repeats are recognised. The oldest is forgotten first; its next repeat is a new alert.",
    },
    Row {
        name: "scope.cgroup",
        ty: Type::Path,
        preset: Preset::Absent,
        doc: "Only processes of this cgroup (version 2) and those below it are seen. Absent: the whole host.",
    },
    Row {
        name: "limits.ring_bytes",
        ty: Type::Size { min: 64 << 10, max: 1 << 30 },
        preset: Preset::Number(8 << 20),
        doc: "Size of each ring buffer between kernel and sensor; a power of two. A ring takes twice its size of address space.",
    },
    Row {
        name: "limits.process_table_entries",
        ty: Type::Integer { min: 1024, max: 16_000_000 },
        preset: Preset::Number(65_536),
        doc: "Processes that are remembered, those that have ended included.",
    },
    Row {
        name: "limits.process_retention",
        ty: Type::Duration { min: Duration::ZERO, max: seconds(3600) },
        preset: Preset::Duration(seconds(30)),
        doc: "How long a process is remembered after its end, so that late events still find it.",
    },
    indicator::LIMITS[0],
    indicator::LIMITS[1],
    Row {
        name: "limits.correlation_groups",
        ty: Type::Integer { min: 1, max: 16_000_000 },
        preset: Preset::Number(100_000),
        doc: "Groups that rules over several events remember, all rules together. The least recently used one of a rule that holds more than its share is forgotten first.",
    },
    Row {
        name: "limits.correlation_entries",
        ty: Type::Integer { min: 1, max: 100_000_000 },
        preset: Preset::Number(1_000_000),
        doc: "Matches that are remembered in all these groups together; each takes about 150 bytes.",
    },
    Row {
        name: "limits.correlation_group_entries",
        ty: Type::Integer { min: 1, max: 65_536 },
        preset: Preset::Number(10_000),
        doc: "Matches that one group remembers; beyond it the oldest is forgotten. A rule that counts further keeps as many as it needs.",
    },
    Row {
        name: "limits.correlation_lateness",
        ty: Type::Duration { min: Duration::ZERO, max: seconds(3600) },
        preset: Preset::Duration(seconds(10)),
        doc: "How much older than the newest event one may be and still count for rules over several events.",
    },
    Row {
        name: "recording.buffer_bytes",
        ty: Type::Size { min: 4096, max: 1 << 30 },
        preset: Preset::Number(256 << 10),
        doc: "Bytes of a recording that wait to be written.",
    },
    Row {
        name: "recording.max_line_bytes",
        ty: Type::Size { min: 4096, max: 64 << 20 },
        preset: Preset::Number(1 << 20),
        doc: "Longest line of a recording, when writing and when reading.",
    },
    Row {
        name: "recording.max_bytes",
        ty: Type::Size { min: 1 << 20, max: 1 << 44 },
        preset: Preset::Number(4 << 30),
        doc: "Largest recording; what comes after is lost and counted.",
    },
];

/// What the sensor is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Files and folders with native rules.
    pub rules: Vec<PathBuf>,
    /// Files and folders with Sigma rules.
    pub sigma: Vec<PathBuf>,
    /// What stands for placeholders in Sigma rules.
    pub sigma_placeholders: Option<PathBuf>,
    /// Whitelist files.
    pub whitelists: Vec<PathBuf>,
    /// Which of the rules are used.
    pub selection: Selection,
    /// Indicator lists.
    pub indicators: Vec<IndicatorConfig>,
    /// Bounds of each of them.
    pub indicator_limits: indicator::Limits,
    /// Who may sign rules.
    pub trust: Trust,
    /// How rules are exchanged while the sensor runs.
    pub reload: Reload,
    /// What is scanned.
    pub scan: Scan,
    /// Time between status messages; `None` for none.
    pub status_interval: Option<Duration>,
    /// Where the status is served locally; `None` for nowhere.
    pub status_socket: Option<PathBuf>,
    /// Where the status is served over TCP; a loopback address.
    pub loopback: Option<SocketAddr>,
    /// How long sinks may drain at the end.
    pub shutdown: Duration,
    /// When an alert is a repeat of one before.
    pub deduplication: Deduplication,
    /// The cgroup that is watched; `None` for the whole host.
    pub cgroup: Option<PathBuf>,
    /// Bounds.
    pub limits: Limits,
    /// Bounds of recordings.
    pub recording: store::recording::Limits,
    /// The outputs, in the file's order.
    pub sinks: Vec<SinkConfig>,
    values: Values,
}

/// How rules are exchanged while the sensor runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reload {
    /// How often the files are looked at; `None` for never.
    pub interval: Option<Duration>,
    /// Where rules that were in force are kept; `None` for nowhere.
    pub generations: Option<PathBuf>,
    /// How many of them.
    pub keep: usize,
}

/// What is scanned with YARA rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Files and folders with the rules.
    pub yara: Vec<PathBuf>,
    /// Folders whose files are scanned when they have been written.
    pub watch: Vec<PathBuf>,
    /// Folders that are watched at most.
    pub folders: usize,
    /// Bounds.
    pub limits: scan::Limits,
}

/// When an alert is a repeat of one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deduplication {
    /// How long after an alert its repeats become updates of it; zero for never.
    pub window: Duration,
    /// Least time between two updates of one alert.
    pub update_interval: Duration,
    /// Alerts whose repeats are recognised.
    pub entries: usize,
}

/// Bounds of tables, queues and files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of each ring buffer, a power of two.
    pub ring_bytes: u32,
    /// Processes remembered.
    pub process_table_entries: usize,
    /// How long a process is remembered after its end.
    pub process_retention: Duration,
    /// Groups of rules over several events.
    pub correlation_groups: usize,
    /// Matches in all these groups.
    pub correlation_entries: usize,
    /// Matches in one of them.
    pub correlation_group_entries: usize,
    /// How late an event may be for them.
    pub correlation_lateness: Duration,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read. The operator mends path, permissions or size.
    #[error(transparent)]
    Read(#[from] CappedError),
    /// The file is wrong. The operator mends it; every problem is listed.
    #[error("{}: {} problems", path.display(), problems.len())]
    Problems {
        /// The file.
        path: PathBuf,
        /// Its text, for the rendering.
        text: String,
        /// Every problem, by place.
        problems: Vec<Problem>,
    },
}

impl Default for Config {
    fn default() -> Self {
        Self::from_values(Values::presets(ROWS), default_sinks(), Vec::new())
    }
}

/// The console, if the file says nothing of sinks.
fn default_sinks() -> Vec<SinkConfig> {
    sink::find("console").map(SinkConfig::new).into_iter().collect()
}

impl Config {
    fn from_values(values: Values, sinks: Vec<SinkConfig>, indicators: Vec<IndicatorConfig>) -> Self {
        let paths = |name: &str| values.list(name).iter().map(PathBuf::from).collect();
        let texts = |name: &str| values.list(name).to_vec();
        Self {
            rules: paths("rules"),
            sigma: paths("sigma"),
            sigma_placeholders: values.text("sigma_placeholders").map(PathBuf::from),
            whitelists: paths("whitelists"),
            selection: Selection {
                tags: texts("selection.tags"),
                folders: texts("selection.folders"),
                exclude: texts("selection.exclude"),
            },
            indicators,
            indicator_limits: indicator::Limits {
                file_bytes: values.number("limits.ioc_file_bytes"),
                entries: values.length("limits.ioc_entries"),
            },
            trust: Trust::new(values.list("signatures.keys"), values.boolean("signatures.required"))
                .unwrap_or_default(),
            reload: Reload {
                interval: Some(values.duration("reload.interval")).filter(|time| !time.is_zero()),
                generations: values.path("reload.generations").map(PathBuf::from),
                keep: values.length("reload.keep"),
            },
            scan: Scan {
                yara: paths("scan.yara"),
                watch: paths("scan.watch"),
                folders: values.length("scan.folders"),
                limits: scan::Limits {
                    max_bytes: values.number("scan.max_bytes"),
                    timeout: values.duration("scan.timeout"),
                    queue: values.length("scan.queue"),
                    cache_entries: values.length("scan.cache_entries"),
                    matches: values.length("scan.matches"),
                },
            },
            status_interval: Some(values.duration("status_interval")).filter(|time| !time.is_zero()),
            status_socket: values.path("status.socket").filter(|_| values.boolean("status.enabled")).map(PathBuf::from),
            loopback: values.text("status.loopback").and_then(|text| loopback(text).ok()),
            shutdown: values.duration("shutdown"),
            deduplication: Deduplication {
                window: values.duration("deduplication.window"),
                update_interval: values.duration("deduplication.update_interval"),
                entries: values.length("deduplication.entries"),
            },
            cgroup: values.path("scope.cgroup").map(PathBuf::from),
            limits: Limits {
                ring_bytes: u32::try_from(values.number("limits.ring_bytes")).unwrap_or(1 << 23),
                process_table_entries: values.length("limits.process_table_entries"),
                process_retention: values.duration("limits.process_retention"),
                correlation_groups: values.length("limits.correlation_groups"),
                correlation_entries: values.length("limits.correlation_entries"),
                correlation_group_entries: values.length("limits.correlation_group_entries"),
                correlation_lateness: values.duration("limits.correlation_lateness"),
            },
            recording: store::recording::Limits {
                buffer_bytes: values.length("recording.buffer_bytes"),
                max_line_bytes: values.length("recording.max_line_bytes"),
                max_bytes: values.number("recording.max_bytes"),
            },
            sinks,
            values,
        }
    }

    /// Reads a configuration file.
    ///
    /// # Errors
    /// [`ConfigError`], with every problem of the file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = store::read_text(path, MAX_BYTES)?;
        Self::parse(&text).map_err(|problems| ConfigError::Problems { path: path.to_owned(), text, problems })
    }

    /// Reads a configuration.
    ///
    /// # Errors
    /// Every problem of the text, by place.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let root = setting::parse(text, &mut problems).map_err(|problem| vec![problem])?;
        let Some(root) = root else { return Ok(Self::default()) };
        let values = setting::read(Some(&root), &root, ROWS, &["sinks", INDICATORS], &mut problems);
        let ring = values.number("limits.ring_bytes");
        if !ring.is_power_of_two() {
            let node = root.member("limits").and_then(|limits| limits.member("ring_bytes")).unwrap_or(&root);
            let hint = format!("take {}", setting::size_text(ring.next_power_of_two()));
            problems.push(Problem::at(node, "`limits.ring_bytes` is not a power of two".to_owned(), Some(hint)));
        }
        if let Some(Err(message)) = values.text("status.loopback").map(loopback) {
            let node = root.member("status").and_then(|status| status.member("loopback")).unwrap_or(&root);
            let hint = Some("write 127.0.0.1:9464 or [::1]:9464; for other hosts put a proxy before it".to_owned());
            problems.push(Problem::at(node, format!("`status.loopback` {message}"), hint));
        }
        let signatures = |member| root.member("signatures").and_then(|it| it.member(member)).unwrap_or(&root);
        let keys = values.list("signatures.keys");
        if let Err(place) = Trust::new(keys, false) {
            let message = format!("`{}` is no public key", keys.get(place).map_or("", String::as_str));
            let hint = Some("take the line that begins with RW from the .pub file of minisign".to_owned());
            problems.push(Problem::at(signatures("keys"), message, hint));
        }
        if values.boolean("signatures.required") && keys.is_empty() {
            let message = "`signatures.required` without `signatures.keys` refuses every rule".to_owned();
            problems.push(Problem::at(signatures("required"), message, Some("name a key".to_owned())));
        }
        let sinks = root.member("sinks").map_or_else(default_sinks, |node| sinks(node, &mut problems));
        let indicators = root.member(INDICATORS).map(|node| indicators::read(node, &mut problems)).unwrap_or_default();
        if problems.is_empty() {
            Ok(Self::from_values(values, sinks, indicators))
        } else {
            problems.sort_by_key(|problem| (problem.line, problem.column));
            Err(problems)
        }
    }

    /// The configuration as YAML that reads back as the same, every setting documented.
    #[must_use]
    pub fn documented(&self) -> String {
        let mut out = String::new();
        comment(
            &mut out,
            0,
            "Configuration of Beewolf. What is left out has the value shown by `beewolf config default`.",
        );
        out.push('\n');
        self.write(&mut out, true);
        out
    }

    /// The configuration as YAML that reads back as the same, without comments.
    #[must_use]
    pub fn plain(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, false);
        out
    }

    /// The configuration as JSON: durations and sizes as the file has them.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let mut json = setting::json(ROWS, &self.values);
        let sinks = self.sinks.iter().map(|config| {
            let mut settings = setting::json(&sink::rows(config.sink), &config.values);
            settings.insert("type".to_owned(), config.sink.name().into());
            serde_json::Value::Object(settings)
        });
        json.insert("sinks".to_owned(), sinks.collect());
        json.insert(INDICATORS.to_owned(), indicators::json(&self.indicators));
        serde_json::Value::Object(json)
    }

    fn write(&self, out: &mut String, documented: bool) {
        setting::yaml(out, 0, ROWS, &self.values, documented);
        indicators::write(out, &self.indicators, documented);
        if documented {
            out.push('\n');
            comment(out, 0, SINKS_DOC);
        }
        out.push_str(if self.sinks.is_empty() { "sinks: []\n" } else { "sinks:\n" });
        for config in &self.sinks {
            if documented {
                comment(out, 2, config.sink.doc());
            }
            out.push_str(&format!("  - type: {}\n", config.sink.name()));
            setting::yaml(out, 4, &sink::rows(config.sink), &config.values, documented);
        }
        if !documented {
            return;
        }
        for sink in sink::ALL.iter().filter(|sink| !self.sinks.iter().any(|used| used.sink.name() == sink.name())) {
            out.push('\n');
            comment(out, 2, &format!("{} To use it, take the first `#` away.", sink.doc()));
            out.push_str(&format!("#  - type: {}\n", sink.name()));
            let mut example = Values::presets(&sink::rows(*sink));
            for row in sink.rows().iter().filter(|row| row.preset == Preset::Required) {
                let text = if row.ty == Type::Path { "/var/log/beewolf/alerts.jsonl" } else { "https://siem.example/" };
                example.set(row.name, Value::Text(text.to_owned()));
            }
            let mut lines = String::new();
            setting::yaml(&mut lines, 4, sink.rows(), &example, true);
            if sink.remote() {
                setting::yaml(&mut lines, 4, sink::SPOOL, &example, true);
            }
            for line in lines.lines() {
                out.push_str(&format!("#{line}\n"));
            }
        }
    }
}

/// Documentation of the list of outputs.
pub const SINKS_DOC: &str =
    "The outputs: a list, each with its `type` and settings. Absent: one console. An empty list: none.";

fn sinks(node: &Node, problems: &mut Vec<Problem>) -> Vec<SinkConfig> {
    let Data::List(items) = &node.data else {
        let hint = Some("write a list: `- type: console`".to_owned());
        problems.push(Problem::at(node, "`sinks` must be a list".to_owned(), hint));
        return Vec::new();
    };
    if items.len() > MAX_SINKS {
        problems.push(Problem::at(
            node,
            format!("`sinks` has {} items, at most {MAX_SINKS} are allowed", items.len()),
            None,
        ));
        return Vec::new();
    }
    let known = || sink::ALL.iter().map(|sink| sink.name()).collect::<Vec<_>>().join(", ");
    let mut sinks = Vec::new();
    for item in items {
        let Some(name) = item.member("type") else {
            let hint = format!("write `type:` with one of {}", known());
            problems.push(Problem::at(item, "a sink without `type`".to_owned(), Some(hint)));
            continue;
        };
        let Some(sink) = name.text().and_then(sink::find) else {
            let given = name.text().unwrap_or("?");
            problems.push(Problem::at(
                name,
                format!("no sink is called `{given}`"),
                Some(format!("one of {}", known())),
            ));
            continue;
        };
        let values = setting::read(Some(item), item, &sink::rows(sink), &["type"], problems);
        for (message, hint) in sink.check(&values) {
            problems.push(Problem::at(item, message, hint));
        }
        sinks.push(SinkConfig { sink, values });
    }
    sinks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_file_says_what_the_program_does_without_one() {
        let default = Config::default();
        assert_eq!(Config::parse("").expect("nothing is fine"), default);
        let text = default.documented();
        assert_eq!(Config::parse(&text).expect("the default file"), default, "{text}");
        assert_eq!(Config::parse(&default.plain()).expect("the plain form"), default);
        // Each output of the default file can be switched on as its comment says.
        let all: String = text
            .lines()
            .map(|line| if line.starts_with("#  ") { line.get(1..).unwrap_or_default() } else { line })
            .map(|line| format!("{line}\n").replace("address: null", "address: localhost:514"))
            .collect();
        let config = Config::parse(&all).expect("all outputs");
        assert_eq!(config.sinks.len(), sink::ALL.len());
        assert_eq!(Config::parse(&config.documented()).expect("again"), config);
    }

    #[test]
    fn every_setting_reaches_the_configuration() {
        // A changed setting must change what the program sees: no row without an effect.
        let default = Config::default();
        for row in ROWS {
            let value = match row.ty {
                Type::Boolean => Value::Boolean(row.preset != Preset::Boolean(true)),
                Type::Duration { max, .. } => Value::Duration(max),
                Type::Integer { max, .. } | Type::Size { max, .. } => {
                    Value::Number(if row.preset == Preset::Number(max) { max - 1 } else { max })
                }
                Type::Text => Value::Text("127.0.0.1:1".to_owned()),
                Type::Path => Value::Text("/changed".to_owned()),
                // What is no key trusts nobody.
                Type::Texts if row.name == "signatures.keys" => {
                    Value::List(vec!["RWQnDuPwOqwmmwMw7kdM6TK5/9HQjpMIeVHeHlUKcoiXgR1NZRFS+BeR".to_owned()])
                }
                Type::Paths | Type::Texts => Value::List(vec!["/changed".to_owned()]),
                Type::Word(words) => Value::Text(words.last().expect("a word").to_string()),
            };
            let mut values = Values::presets(ROWS);
            values.set(row.name, value);
            let mut changed = Config::from_values(values, default_sinks(), Vec::new());
            changed.values = default.values.clone();
            assert_ne!(changed, default, "{}", row.name);
            assert!(row.doc.ends_with('.'), "{}", row.name);
        }
    }

    fn check(text: &str, expected: &[&str]) {
        let problems = Config::parse(text).expect_err(text);
        let lines: Vec<_> = problems
            .iter()
            .map(|it| format!("{}:{} {} ({})", it.line, it.column, it.message, it.hint.as_deref().unwrap_or("-")))
            .collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn every_mistake_is_named_with_its_place_and_a_hint() {
        check(
            "limits:\n  ring_bytes: 3MiB\nruls: []\nsinks:\n  - type: fiel\n  - path: /x\n  - type: file\n    pth: /x\n  - type: syslog\n    transport: tcp\n",
            &[
                "2:15 `limits.ring_bytes` is not a power of two (take 4MiB)",
                "3:1 unknown setting `ruls` (did you mean `rules`?)",
                "5:11 no sink is called `fiel` (one of console, file, stdout, syslog, webhook)",
                "6:5 a sink without `type` (write `type:` with one of console, file, stdout, syslog, webhook)",
                "7:5 `path` is missing (path: a path)",
                "8:5 unknown setting `pth` (did you mean `path`?)",
                "9:5 `address` is missing (address: host:port)",
            ],
        );
        check(
            "status: { loopback: '0.0.0.0:9464' }\n",
            &[
                "1:21 `status.loopback` is not a loopback address (write 127.0.0.1:9464 or [::1]:9464; for other hosts put a proxy before it)",
            ],
        );
        check("sinks: console\n", &["1:8 `sinks` must be a list (write a list: `- type: console`)"]);
    }
}
