//! Tables taken from what the original printed.

use super::{Node, natural_cmp, print};
use serde_json::json;

fn check(value: &serde_json::Value, expected: &str) {
    assert_eq!(print(&Node::from(value)), expected);
}

#[test]
fn texts_are_quoted_when_a_reader_would_take_them_for_something_else() {
    for (text, expected) in [
        ("prod", "prod"),
        ("", "\"\""),
        ("22.04", "\"22.04\""),
        ("24.04/edge", "24.04/edge"),
        ("3.6.28", "3.6.28"),
        ("0", "\"0\""),
        ("0/lxd/0", "0/lxd/0"),
        ("0x5000", "\"0x5000\""),
        ("1_000", "\"1_000\""),
        ("089", "\"089\""),
        ("1e3", "\"1e3\""),
        ("1e", "1e"),
        ("true", "\"true\""),
        ("y", "\"y\""),
        ("yes", "\"yes\""),
        ("null", "\"null\""),
        ("~", "\"~\""),
        ("10:00:00", "\"10:00:00\""),
        ("10:00:00Z", "10:00:00Z"),
        ("52:54:00:aa:00:02", "52:54:00:aa:00:02"),
        ("2025-03-01", "\"2025-03-01\""),
        ("2025-03-01T09:00:00Z", "\"2025-03-01T09:00:00Z\""),
        ("2025-03-01 09:00:00Z", "2025-03-01 09:00:00Z"),
        ("01 Mar 2025 08:00:00Z", "01 Mar 2025 08:00:00Z"),
        ("fd42:1::21", "fd42:1::21"),
        ("a: b", "'a: b'"),
        ("a:b", "a:b"),
        ("- a", "'- a'"),
        ("-a", "-a"),
        ("a #b", "'a #b'"),
        ("<404> & more", "<404> & more"),
        ("& more", "'& more'"),
        ("it's: x", "'it''s: x'"),
        ("x ", "'x '"),
        ("tab\there", "\"tab\\there\""),
        ("\u{1b}[1m", "\"\\e[1m\""),
        ("prêt ✓ 数据库", "prêt ✓ 数据库"),
        ("\u{1F600}", "\"\\U0001F600\""),
        ("two\nlines", "|-\n  two\n  lines"),
        ("two\nlines\n", "|\n  two\n  lines"),
        (" x\ny", "|2-\n   x\n  y"),
        ("x\r\ny", "\"x\\r\\ny\""),
        ("x\u{2028}y", "\"x\\Ly\""),
        ("x\n\n", "|+\n  x\n"),
    ] {
        let document = print(&Node::Map(vec![("k".into(), Node::str(text))]));
        assert_eq!(document, format!("k: {expected}\n"), "{text:?}");
    }
}

#[test]
fn collections() {
    check(&json!({}), "{}\n");
    check(&json!([]), "[]\n");
    check(&json!({"a": [], "b": {}, "c": null}), "a: []\nb: {}\nc: null\n");
    check(&json!({"a": ["x", "y"], "b": 1}), "a:\n- x\n- \"y\"\nb: 1\n");
    check(&json!([{"a": 1, "b": {"c": [1, 2]}}, 2]), "- a: 1\n  b:\n    c:\n    - 1\n    - 2\n- 2\n");
    check(&json!([["a", "b"], []]), "- - a\n  - b\n- []\n");
    check(&json!({"0": {"x": true}, "": 1, "0/lxd/0": 2}), "\"0\":\n  x: true\n\"\": 1\n0/lxd/0: 2\n");
    check(
        &json!({"f": 3e9, "g": 2097152.0, "h": 0.5, "i": 100000.0}),
        "f: 3e+09\ng: 2.097152e+06\nh: 0.5\ni: 100000\n",
    );
    let flow = Node::Map(vec![("maintained".into(), Node::FlowSeq(vec![Node::str("0"), Node::str("b")]))]);
    assert_eq!(print(&flow), "maintained: [\"0\", b]\n");
}

#[test]
fn long_texts_are_folded_after_column_80() {
    let message = "Failed to create container: The image \"ubuntu:22.04\" was not found <404> & more";
    check(
        &json!({"a": {"b": {"c": {"d": {"message": message}}}}}),
        "a:\n  b:\n    c:\n      d:\n        message: 'Failed to create container: The image \"ubuntu:22.04\" was not found\n          <404> & more'\n",
    );
    check(
        &json!({"machines": {"constraints": "arch=amd64 cores=4 mem=8192M root-disk=51200M tags=gpu,fast spaces=default-space,^storage zones=zone-a"}}),
        "machines:\n  constraints: arch=amd64 cores=4 mem=8192M root-disk=51200M tags=gpu,fast spaces=default-space,^storage\n    zones=zone-a\n",
    );
}

#[test]
fn keys_in_natural_order() {
    let mut keys = ["10", "2", "0/lxd/10", "0/lxd/2", "a1", "a10", "a2", "b", "", "haproxy/11", "haproxy/9", "1"];
    keys.sort_by(|a, b| natural_cmp(a, b));
    assert_eq!(keys, ["", "0/lxd/2", "0/lxd/10", "1", "2", "10", "a1", "a2", "a10", "b", "haproxy/9", "haproxy/11"]);
}
