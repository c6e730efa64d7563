//! `connect`, `accept`, `bind` and `listen`.

use serde_json::{Value, json};

use super::{Problems, Sensor, actor, field, fields, scope};

#[test]
fn kernel_sockets_are_seen() {
    let Some(scope) = scope("socket::kernel_sockets_are_seen") else { return };
    let sensor = Sensor::trace(&scope, ["event.action in (accept, bind, connect, listen)"]);
    let done = actor::act(&scope, &["sockets"]);
    let events = sensor.stop().events();

    let mut problems = Problems::default();
    let with = |kind: &'static str, name: &'static str, port: i64| {
        events.by(kind, done.pid).filter(move |event| field(event, name) == port)
    };
    for (name, ip, ty) in [("v4", "127.0.0.1", "ipv4"), ("v6", "::1", "ipv6"), ("mapped", "127.0.0.1", "ipv4")] {
        let (server, client) = (done.fact(&format!("{name}_server")), done.fact(&format!("{name}_client")));
        let ends = fields! {
            "source.ip": ip,
            "source.port": client,
            "destination.ip": ip,
            "destination.port": server,
            "network.transport": "tcp",
            "network.type": ty,
            "event.outcome": "success",
            "error.code": null,
        };
        let connect = problems.one(name, with("connect", "destination.port", server));
        let accept = problems.one(name, with("accept", "destination.port", server));
        for (event, direction) in [(connect, "egress"), (accept, "ingress")] {
            let Some(event) = event else { continue };
            problems.fields(event, ends.clone());
            problems.fields(event, fields! { "network.direction": direction });
        }
        let flows =
            [connect, accept].map(|event| event.map_or(&Value::Null, |event| field(event, "network.community_id")));
        problems.same("both ends have one flow id", flows[0], flows[1]);
        problems.same("there is a flow id", flows[0].is_string(), true);
        for kind in ["bind", "listen"] {
            if let Some(event) = problems.one(&format!("{kind} {name}"), with(kind, "server.port", server)) {
                problems.fields(
                    event,
                    fields! { "server.ip": ip, "network.transport": "tcp", "network.type": ty, "event.outcome": "success" },
                );
            }
        }
    }
    if let Some(event) = problems.one("UDP bind", with("bind", "server.port", done.fact("udp_server"))) {
        problems.fields(event, fields! { "server.ip": "127.0.0.1", "network.transport": "udp" });
    }
    if let Some(event) = problems.one("UDP connect", with("connect", "destination.port", 9)) {
        problems.fields(
            event,
            fields! {
                "source.ip": "127.0.0.1",
                "source.port": done.fact("udp_client"),
                "destination.ip": "127.0.0.1",
                "network.transport": "udp",
                "event.outcome": "success",
            },
        );
    }
    let closed = done.fact("closed");
    problems.same("the refusal's number", done.fact("refused"), 111);
    if let Some(event) = problems.one("refused", with("connect", "destination.port", closed)) {
        problems.fields(
            event,
            fields! { "destination.ip": "127.0.0.1", "event.outcome": "failure", "error.code": "ECONNREFUSED" },
        );
    }
    let bound: Vec<_> = with("bind", "server.port", closed).collect();
    problems.same("binds to the taken port", bound.len(), 2);
    let refused = bound.iter().filter(|event| field(event, "event.outcome") == "failure");
    if let Some(event) = problems.one("the second bind", refused.copied()) {
        problems
            .fields(event, fields! { "server.ip": "127.0.0.1", "network.type": "ipv4", "error.code": "EADDRINUSE" });
    }
    if let Some(event) =
        problems.one("in progress", with("connect", "destination.port", done.fact("in_progress_server")))
    {
        let (outcome, code) = match done.fact("in_progress") {
            0 => ("success", Value::Null),
            _ => ("unknown", json!("EINPROGRESS")),
        };
        problems.fields(event, fields! { "destination.ip": "127.0.0.1", "event.outcome": outcome, "error.code": code });
    }
    // Other families and a dissolved association give nothing.
    for (kind, count) in [("accept", 3), ("bind", 7), ("connect", 6), ("listen", 4)] {
        problems.same(kind, events.of(kind).count(), count);
    }
}
