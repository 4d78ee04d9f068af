import Glibc
import Runtime

/// Cgroups with a process each, as containers are to the Collector. Removed with the object.
final class BusyCgroups {
    private let root = "binnacle-bench-\(getpid())"
    private let mounts: [String]
    private var processes: [pid_t] = []
    private var names: [String] = []
    private let files = HostFileSystem()

    /// Every fifth process wakes ten times a second, the others sleep.
    init(count: Int, mounts: [String]) throws {
        self.mounts = mounts
        for mount in mounts { try files.makeDirectory("\(mount)/\(root)", mode: 0o755) }
        for number in 0..<count {
            let name = "\(root)/c\(number)"
            names.append(name)
            for mount in mounts { try files.makeDirectory("\(mount)/\(name)", mode: 0o755) }
            let command = number % 5 == 0 ? "exec 3<> <(:); while :; do read -t 0.1 -u 3 line; done" : "exec sleep 1000"
            let process = BusyCgroups.start(["/bin/bash", "-c", command])
            guard process > 0 else { continue }
            processes.append(process)
            for mount in mounts { try? files.write("\(mount)/\(name)/cgroup.procs", Array("\(process)".utf8)) }
        }
    }

    deinit {
        for process in processes { kill(process, SIGKILL) }
        for process in processes {
            var status: Int32 = 0
            unsafe waitpid(process, &status, 0)
        }
        for name in names { for mount in mounts { remove("\(mount)/\(name)") } }
        for mount in mounts { remove("\(mount)/\(root)") }
    }

    /// A cgroup can be removed a moment after its last process has gone.
    private func remove(_ path: String) {
        for _ in 0..<100 {
            if unsafe rmdir(path) == 0 || errno != EBUSY { return }
            usleep(10_000)
        }
    }

    private static func start(_ arguments: [String]) -> pid_t {
        var process: pid_t = 0
        var pointers: [UnsafeMutablePointer<CChar>?] = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { unsafe pointers.forEach { unsafe free($0) } }
        let code = unsafe posix_spawn(&process, arguments[0], nil, nil, &pointers, environ)
        return code == 0 ? process : -1
    }
}
