//! Runs programs with too little memory or too few threads. Included with `#[path]`.

use std::process::Command;

/// Runs the program, whose path and arguments `with_program` adds, under each limit. It must exit with code 1 and one
/// line that names the missing resource.
pub(crate) fn check_limits(with_program: impl Fn(&mut Command)) {
    for (limit, expected) in [
        ("--as=67108864", "of memory are not free"),
        ("--as=100663296", "of memory are not free"),
        ("--as=134217728", "of memory are not free"),
        ("--nproc=1", " threads; raise the limits"),
    ] {
        let mut limited = Command::new("prlimit");
        if rustix::process::geteuid().is_root() {
            // Root is not limited by the number of threads.
            limited = Command::new("setpriv");
            limited.args(["--ruid=65534", "--bounding-set=-all", "prlimit"]);
        }
        with_program(limited.arg(limit));
        let output = limited.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{limit}: {stderr}");
        assert!(stderr.contains(expected), "{limit}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{limit}: {stderr}");
    }
}
