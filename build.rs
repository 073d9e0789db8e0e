//! Builds the page (`web/`) with npm and lists its files in a table that the program includes, so that
//! `cargo build --release` alone gives the complete program. `VIVAVOCE_WEB_DIST=FOLDER` takes a page that was built
//! elsewhere, and needs no Node. It also writes the symbols that Daily's client library wants to find in this program.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, exit};

/// What the page is made of; a change builds it again.
const SOURCES: [&str; 7] =
    ["src", "public", "build.mjs", "package.json", "package-lock.json", "tsconfig.json", ".npmrc"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=VIVAVOCE_WEB_DIST");
    // A new migration must reach the program, which holds them all.
    println!("cargo::rerun-if-changed=migrations");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let built = match env::var_os("VIVAVOCE_WEB_DIST").filter(|path| !path.is_empty()) {
        Some(path) => {
            let path = root.join(path);
            println!("cargo::rerun-if-changed={}", path.display());
            path
        }
        None => build_page(&root.join("web"), &out.join("web")),
    };
    if !built.join("index.html").is_file() {
        fail(&format!("{} holds no index.html, so it is no built page", built.display()));
    }
    let mut files = BTreeMap::new();
    collect(&built, &built, &mut files);
    fs::write(out.join("page_files.rs"), table(&files)).expect("OUT_DIR is writable");
    stand_in_for_python(&root.join("src/room/daily/native/python.txt"), &out);
}

/// Daily's library (`src/room/daily/native`) is linked as a module of Python and is loaded only where Python's symbols
/// are found. No function of it that we call uses one, so the program exports a symbol of each name and no more.
fn stand_in_for_python(list: &Path, out: &Path) {
    println!("cargo::rerun-if-changed={}", list.display());
    let list = fs::read_to_string(list).unwrap_or_else(|error| fail(&format!("{}: {error}", list.display())));
    let names: Vec<&str> = list.lines().collect();
    let mut source = String::new();
    for name in &names {
        writeln!(source, "#[unsafe(no_mangle)]\npub static {name}: StandIn = StandIn([0; 4]);")
            .expect("a String takes all");
    }
    let all = names.join(", &");
    writeln!(source, "static ALL: [&StandIn; {}] = [&{all}];", names.len()).expect("a String takes all");
    fs::write(out.join("python.rs"), source).expect("OUT_DIR is writable");
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        let exported = out.join("python.list");
        fs::write(&exported, format!("{{ {}; }};\n", names.join("; "))).expect("OUT_DIR is writable");
        println!("cargo::rustc-link-arg-bins=-Wl,--dynamic-list={}", exported.display());
    }
}

/// Runs npm in `web` and returns the folder with the built page.
fn build_page(web: &Path, out: &Path) -> PathBuf {
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", web.join(source).display());
    }
    if !web.join("package.json").is_file() {
        fail(&format!("the page's sources are missing: {} has no package.json", web.display()));
    }
    if needs_install(web) {
        npm(web, &["ci", "--no-audit", "--no-fund", "--loglevel=error"], out);
    }
    npm(web, &["run", "--silent", "build"], out);
    out.to_owned()
}

/// Whether node_modules is not what package-lock.json says (npm leaves a copy of the lock there, newer than it).
fn needs_install(web: &Path) -> bool {
    let changed = |path: PathBuf| fs::metadata(path).and_then(|data| data.modified());
    match (changed(web.join("package-lock.json")), changed(web.join("node_modules/.package-lock.json"))) {
        (Ok(wanted), Ok(installed)) => wanted > installed,
        (Err(_), _) | (_, Err(_)) => true,
    }
}

fn npm(web: &Path, arguments: &[&str], out: &Path) {
    let run = Command::new("npm").args(arguments).current_dir(web).env("VIVAVOCE_WEB_OUT", out).output();
    match run {
        Ok(done) if done.status.success() => {}
        Ok(done) => {
            let said = [done.stdout, done.stderr].concat();
            fail(&format!("`npm {}` in web/ failed:\n{}", arguments.join(" "), String::from_utf8_lossy(&said)));
        }
        Err(error) => fail(&format!(
            "the page is built with npm, which cannot be run ({error}). Install Node 18 or later (Debian: apt install \
             nodejs npm; scripts/setup does it), or build the page elsewhere and name its folder in VIVAVOCE_WEB_DIST"
        )),
    }
}

fn fail(said: &str) -> ! {
    for line in said.lines() {
        println!("cargo::error={line}");
    }
    exit(1)
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| fail(&format!("{}: {error}", folder.display())));
    for entry in entries {
        let path = entry.expect("the folder can be listed").path();
        if path.is_dir() {
            collect(root, &path, files);
        } else if let Ok(below) = path.strip_prefix(root) {
            files.insert(below.to_string_lossy().into_owned(), path);
        }
    }
}

/// Rust source: one entry for each file, with a weak ETag of its content.
fn table(files: &BTreeMap<String, PathBuf>) -> String {
    let mut source = format!("static FILES: [PageFile; {}] = [\n", files.len());
    for (name, path) in files {
        let content = fs::read(path).unwrap_or_else(|error| fail(&format!("{}: {error}", path.display())));
        let path = path.canonicalize().expect("it was just read");
        writeln!(
            source,
            "PageFile {{ path: {name:?}, content: include_bytes!({:?}), etag: \"W/\\\"{:016x}\\\"\" }},",
            path.display().to_string(),
            fingerprint(&content)
        )
        .expect("a String takes all");
    }
    source.push_str("];\n");
    source
}

/// FNV-1a: tells versions of a file apart; guards nothing.
fn fingerprint(content: &[u8]) -> u64 {
    content.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
