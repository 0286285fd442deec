//! What queries mean, which cannot be read, and what they ask for.

use super::*;
use std::rc::Rc;

fn machine(id: &str, status: &str) -> Scope {
    let names = [("id", id), ("status", status), ("life", "alive")];
    let names = names.iter().map(|(name, value)| ((*name).to_owned(), Value::Text((*value).to_owned()))).collect();
    Scope { kind: "MachineInfo", id: id.to_owned(), names }
}

fn model() -> Scope {
    let mut scope = machine("m", "available");
    scope.kind = "ModelInfo";
    let machines = [("0", "started"), ("1", "down")].map(|(id, status)| Value::Thing(Rc::new(machine(id, status))));
    let config = [("number".to_owned(), Value::Text("7".into()))].into();
    scope.names.extend([
        ("machines".to_owned(), Value::List(machines.into())),
        ("units".to_owned(), Value::List(Vec::new())),
        ("is-controller".to_owned(), Value::Bool(false)),
        ("config".to_owned(), Value::Map(config)),
        ("ratio".to_owned(), Value::Float(0.5)),
    ]);
    scope
}

#[test]
fn what_queries_say() {
    let holds = |text: &str| Query::parse(text).map(|query| Run::default().holds(&query.expr, &model()));
    for (text, expected) in [
        (r#"life=="alive" && status=="available""#, true),
        ("life == 'alive'", true),
        ("life!='alive' || status=='x'", false),
        // `&&` binds closer than `||`, comparing closer than both.
        ("life=='alive' || life=='x' && life=='y'", true),
        ("(life=='alive' || life=='x') && life=='y'", false),
        ("1 < 2 && 2 <= 2 && 2.5 > 2 && 2 >= 2.0 && 'a' < 'b'", true),
        ("is-controller == false", true),
        ("len(machines) == 2 && len(life) == 5 && len(units) == 0", true),
        ("forEach(machines, m => m.life == 'alive')", true),
        ("forEach(machines, m => m.status == 'started')", false),
        ("forEach(units, u => u.life == 'alive')", false),
        ("forEach(machines, life => life.status != 'x') && life == 'alive'", true),
        ("machines[1].status == 'down'", true),
        ("startsWith(life, 'al') && endsWith(life, \"ve\")", true),
        ("int(config['number']) == 7 && int(ratio) == 0 && config.number == '7'", true),
        ("print(status) && life == 'alive'", true),
        (r#"life == "al\"ive""#, false),
        ("true", true),
    ] {
        assert_eq!(holds(text), Ok(Ok(expected)), "{text}");
    }
    for (text, words) in [
        ("life", "a string is neither true nor false"),
        ("life == 1", "a string and an integer cannot be compared by =="),
        ("machines[2].status == 'x'", "nothing is at that place"),
        ("machines['0'].status == 'x'", "a list has no place by a string"),
        ("config.other == 'x'", "nothing is called \"other\" there"),
        ("len(1) == 1", "an integer has no length"),
        ("len() == 1", "len wants other arguments"),
        ("forEach(machines, 1)", "forEach wants other arguments"),
        ("forEach(life, x => true)", "forEach goes over lists, not over a string"),
        ("int('x') == 1", "\"x\" is no integer"),
        ("is-controller < true", "a boolean and a boolean cannot be compared by <"),
    ] {
        assert_eq!(holds(text), Ok(Err(Failure::Senseless(words.to_owned()))), "{text}");
    }
    assert!(matches!(holds("lif == 'x'"), Ok(Err(Failure::UnknownName { kind: "ModelInfo", .. }))));
    assert!(matches!(
        holds("forEach(machines, m => m.lif == 'x')"),
        Ok(Err(Failure::UnknownName { kind: "MachineInfo", .. }))
    ));
    assert!(matches!(holds("size(life) == 1"), Ok(Err(Failure::UnknownName { kind: "functions", .. }))));
}

#[test]
fn what_cannot_be_read() {
    for text in ["life==", "", "forEach(machines, m =>", "(life == 'x'", "'open", "life =="] {
        assert_eq!(Query::parse(text), Err(SyntaxError::Incomplete), "{text}");
    }
    for (text, at) in
        [("life = 'x'", 5), ("life == 'x')", 11), ("a b", 2), ("a.1", 2), ("1.2.3 == 1", 0), ("a && && b", 5), ("ä", 0)]
    {
        assert!(matches!(Query::parse(text), Err(SyntaxError::Unexpected { at: seen, .. }) if seen == at), "{text}");
    }
    assert_eq!(
        Query::parse("life ? 1").expect_err("no").explain("life ? 1"),
        "Cannot parse query: unexpected character '?'.\n\n1 | life ? 1\n         ^\n"
    );
    // However deep it is, it ends.
    for deep in [100, 100_000] {
        assert!(Query::parse(&"(".repeat(deep)).is_err());
        assert!(Query::parse(&"len(".repeat(deep)).is_err());
    }
}

#[test]
fn names_that_a_query_asks_for() {
    let query = Query::parse("forEach(machines, m => m.status == life) && len(units) == 0 && m == 'x'").expect("reads");
    assert_eq!(query.names().into_iter().collect::<Vec<_>>(), ["life", "m", "machines", "units"]);
}
