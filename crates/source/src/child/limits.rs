//! What a child may use up.

use serde::Serialize;

/// Resource limits of each process in the group, by the names of setrlimit(2).
///
/// Memory is limited by `DATA`, not by `AS`: deno reserves address space far beyond what it uses and dies under any useful `AS`; under a
/// `DATA` of 1 GiB it works (measured), and so a page that would fill the memory ends in an error. Processes are
/// limited only where a child is in a user namespace of its own: elsewhere the kernel counts them per user, over all children and the worker itself.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct ChildLimits {
    /// Private writable memory, in bytes.
    #[serde(rename = "DATA")]
    pub(crate) memory_bytes: u64,
    /// The largest file that may be written, in bytes.
    #[serde(rename = "FSIZE")]
    pub(crate) file_bytes: u64,
    /// Processor time, in seconds.
    #[serde(rename = "CPU")]
    pub(crate) cpu_seconds: u64,
    /// Open files.
    #[serde(rename = "NOFILE")]
    pub(crate) open_files: u64,
    /// Processes and threads.
    #[serde(rename = "NPROC")]
    pub(crate) processes: u64,
    /// Size of a core dump, in bytes.
    #[serde(rename = "CORE")]
    pub(crate) core_bytes: u64,
}

impl ChildLimits {
    /// For looking at a link: no big files, little time.
    pub(crate) fn extraction(cpu_seconds: u64) -> Self {
        Self {
            memory_bytes: 1 << 30,
            file_bytes: 64 << 20,
            cpu_seconds,
            open_files: 256,
            processes: 128,
            core_bytes: 0,
        }
    }

    /// For the fork server itself, which only waits; its children lower these for themselves.
    pub(crate) fn server() -> Self {
        Self { cpu_seconds: 24 * 3600, processes: 512, ..Self::extraction(0) }
    }

    /// For a download with its merge: no file larger than this. Hours at full speed with TLS stay far below the time.
    pub(crate) fn download(file_bytes: u64) -> Self {
        Self { file_bytes, cpu_seconds: 2 * 3600, ..Self::extraction(0) }
    }
}
