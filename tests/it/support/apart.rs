//! Tests that need a process of their own: what they count or change belongs to a whole process (its open files, the
//! network its threads live in), so other tests must not run in it. Must never let such a test pass without having run.

use std::any::type_name_of_val;
use std::process::{Command, Stdio};

/// Set in the process apart.
const APART: &str = "VIVAVOCE_TEST_APART";

/// Runs `test`, a closure in the body of a test function, by running that test function in a process apart.
pub fn apart(test: impl FnOnce()) {
    apart_as(&name_of(&test), test);
}

/// The same where `test` stands elsewhere: `name` is the test function's, as the test runner knows it.
pub fn apart_as(name: &str, test: impl FnOnce()) {
    if std::env::var(APART).is_ok_and(|apart| apart == name) {
        return test();
    }
    let mut command = Command::new(std::env::current_exe().expect("a test binary"));
    command.args(["--exact", name, "--nocapture"]).env(APART, name).stdin(Stdio::null());
    let run = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&run.stdout);
    print!("{said}{}", String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success() && said.contains("1 passed"), "{name}, in a process apart: {}", run.status);
}

/// The name of the test function around a closure, as the test runner knows it.
pub fn name_of<T>(closure: &T) -> String {
    let path = type_name_of_val(closure);
    let path = path.split_once("::").map_or(path, |(_, within)| within);
    path.split("::{{closure}}").next().unwrap_or(path).to_owned()
}
