import Glibc
import Runtime
import Telemetry
import TestKit
import Testing

@testable import SeriesStore

/// The nth call of the kernel that changes something on the disk fails, n upward: each open, write, fsync, truncation, rename and
/// removal below the store's directory is a place for the failure, SQLite's own and ours.
///
/// A library that is compiled here and loaded before the C library stands between. Every eleventh n is tried;
/// BINNACLE_FAULTS=all tries each.
@Suite struct IOFaultTests {
    struct Mode {
        var name: String
        var code: Int32
        /// All later calls fail too, as on a full disk, until there is room.
        var isLasting: Bool
    }
    static let modes = [
        Mode(name: "one call fails", code: EIO, isLasting: false), Mode(name: "all calls fail from the nth on", code: EIO, isLasting: true),
        Mode(name: "no space is left from the nth on", code: ENOSPC, isLasting: true),
    ]

    static func directory(of parent: pid_t) -> String { "/tmp/binnacle-series-faults-\(parent)" }

    @Test(.timeLimit(.minutes(5))) func `no call that fails loses or doubles what was acknowledged, or keeps the store from opening`() async throws {
        let root = Self.directory(of: getpid())
        let files = HostFileSystem()
        if files.exists(root) { try files.removeTree(root) }
        try files.makeDirectory(root, mode: 0o700)
        defer { do { try files.removeTree(root) } catch { Issue.record(error) } }
        try files.write("\(root)/faults.c", Array(Self.source.utf8))
        let compiled = try await Program.run(["clang", "-shared", "-fPIC", "-O1", "-o", "\(root)/faults.so", "\(root)/faults.c", "-ldl"])
        try #require(compiled.status == 0, "\(compiled)")
        await #expect(processExitsWith: .exitCode(0)) { try await IOFaultTests.child() }
        let report = files.exists("\(root)/report") ? try files.text("\(root)/report") : "the child wrote no report"
        #expect(report.hasPrefix("tried") && !report.contains("wrong"), "\(report)")
        let tried = report.split(separator: "\n").compactMap { Int($0.split(separator: " ").last ?? "") }
        #expect(tried.count == Self.modes.count && tried.allSatisfy { $0 > 10 }, "\(report)")
    }

    // MARK: In the child

    /// Starts itself again with the library before the others, the first time.
    private static func child() async throws {
        let root = directory(of: getppid())
        let library = "LD_PRELOAD=\(root)/faults.so"
        // As this process was started: the test's own variables are gone from the environment by now.
        let started = try HostFileSystem().read("/proc/self/environ").split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        if !started.contains(library) {
            var environment = unsafe (started + [library]).map { unsafe strdup($0) } + [nil]
            var arguments = unsafe CommandLine.arguments.map { unsafe strdup($0) } + [nil]
            unsafe execve("/proc/self/exe", &arguments, &environment)
            fatalError("cannot start again: \(errnoText(errno))")
        }
        var report = ""
        for mode in modes { report += try await loop(mode, root) }
        try HostFileSystem().write("\(root)/report", Array(report.utf8))
        exit(report.contains("wrong") ? 1 : 0)
    }

    private static func loop(_ mode: Mode, _ root: String) async throws -> String {
        let isWhole = unsafe getenv("BINNACLE_FAULTS").map { unsafe String(cString: $0) } == "all"
        var tried = 0
        var nth = 1
        while true {
            let path = "\(root)/store"
            let faults = Faults(below: path, nth: nth, mode)
            var problem: String?
            do {
                problem = try await run(path, faults)
            } catch {
                problem = "\(error)"
            }
            if let problem { return "wrong: \(mode.name), n = \(nth): \(problem)\n" }
            try HostFileSystem().removeTree(path)
            tried += 1
            if faults.calls < nth { return "tried \(mode.name): \(tried)\n" }
            nth += isWhole ? 1 : 11
        }
    }

    private static let series = 6
    private static let start = StoreHarness.start

    private static func batches(_ step: Int64) -> [SeriesBatch] {
        (0..<series).map { number in
            SeriesBatch(
                labels: ["__name__": "m", "n": "\(number)"], samples: [.init(start + step * 1000, Double(step &* 7_919 &* Int64(number + 1) % 1_003) / 7)])
        }
    }

    /// What is wrong; nil if nothing is.
    private static func run(_ path: String, _ faults: Faults) async throws -> String? {
        let clock = ManualClock(startingAt: Timestamp(milliseconds: start))
        var acknowledged = Set<Int64>()
        func open() throws(SeriesStoreError) -> SeriesStore { try SeriesStore.open(directory: path, metrics: MetricRegistry(), clock: clock) }
        var store: SeriesStore?
        do { store = try open() } catch {}
        if let store {
            for step in Int64(0)..<12 {
                clock.advance(by: .seconds(1))
                do {
                    if try await store.write(batches(step)).total.accepted == series { acknowledged.insert(step) }
                } catch {}
                do {
                    if step == 3 || step == 6 { try await store.flush() }
                    if step == 8 {
                        clock.advance(by: .seconds(86_400))
                        for _ in 0..<2 { try await store.maintain() }
                    }
                    if step == 9 { try await store.compact() }
                    if step == 10 {
                        try await store.delete(
                            matchers: [Matcher("n", equals: "0")], from: Timestamp(milliseconds: start), through: Timestamp(milliseconds: start))
                    }
                } catch {}
            }
            faults.end()
            // The store that lived through it.
            if let problem = try await check(store, acknowledged) { return "before the restart, \(problem)" }
            clock.advance(by: .seconds(1))
            do { try await store.write(batches(100)) } catch { return "a write after it: \(error)" }
            acknowledged.insert(100)
            if let problem = try await check(store, acknowledged) { return "after another write, \(problem)" }
            await store.close()
        }
        faults.end()
        store = nil
        let again = try open()
        if !again.openWarnings.isEmpty { return "at the restart: \(again.openWarnings)" }
        if let problem = try await check(again, acknowledged) { return "after the restart, \(problem)" }
        try await again.compact()
        if let problem = try await check(again, acknowledged) { return "after compaction, \(problem)" }
        await again.close()
        let problems = try StoreCheck(directory: path).run().flatMap(\.problems)
        return problems.isEmpty ? nil : "store check: \(problems)"
    }

    /// Everything acknowledged is there; a step whose write failed may be there too. The first sample of series 0 may have been deleted.
    private static func check(_ store: SeriesStore, _ acknowledged: Set<Int64>) async throws -> String? {
        let answer = try await store.answer([], from: Timestamp(milliseconds: 0), through: Timestamp(milliseconds: .max / 2))
        if !answer.warnings.isEmpty { return "\(answer.warnings)" }
        if answer.series.count != series, !acknowledged.isEmpty { return "\(answer.series.count) series" }
        for one in answer.series {
            guard let number = Int(one.labels["n"]) else { return "series \(one.labels)" }
            let steps = one.timestamps.map { ($0 - start) / 1000 }
            let missing = acknowledged.subtracting(steps).subtracting(number == 0 ? [0] : [])
            if !missing.isEmpty { return "series \(number) lacks steps \(missing.sorted())" }
            if Set(steps).count != steps.count { return "series \(number) has a step twice" }
            for (step, value) in zip(steps, one.values) where value != batches(step)[number].samples[0].value {
                return "series \(number) is \(value) at \(step)"
            }
        }
        return nil
    }

    /// The library's switch.
    private final class Faults {
        private(set) var calls = 0
        private var isOver = false

        init(below path: String, nth: Int, _ mode: Mode) {
            typealias Arm = @convention(c) (UnsafePointer<CChar>, CLong, CInt, CInt) -> Void
            let arm = unsafe unsafeBitCast(dlsym(nil, "binnacle_faults_arm"), to: Arm.self)
            unsafe arm(path, nth, mode.code, mode.isLasting ? 1 : 0)
        }

        func end() {
            guard !isOver else { return }
            isOver = true
            typealias Disarm = @convention(c) () -> CLong
            calls = unsafe unsafeBitCast(dlsym(nil, "binnacle_faults_disarm"), to: Disarm.self)()
        }
    }

    private static let source = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <errno.h>
        #include <fcntl.h>
        #include <pthread.h>
        #include <stdarg.h>
        #include <string.h>
        #include <sys/stat.h>
        #include <sys/types.h>
        #include <unistd.h>

        static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
        static char root[256];
        static long nth, calls;
        static int code, lasting;
        static char watched[4096];

        void binnacle_faults_arm(const char *directory, long n, int error, int all) {
            pthread_mutex_lock(&lock);
            strncpy(root, directory, sizeof root - 1);
            nth = n; calls = 0; code = error; lasting = all;
            pthread_mutex_unlock(&lock);
        }
        long binnacle_faults_disarm(void) {
            pthread_mutex_lock(&lock);
            nth = 0;
            long result = calls;
            pthread_mutex_unlock(&lock);
            return result;
        }
        static int fails(void) {
            pthread_mutex_lock(&lock);
            calls++;
            int now = nth > 0 && (calls == nth || (lasting && calls > nth));
            pthread_mutex_unlock(&lock);
            if (now) errno = code;
            return now;
        }
        static int isInside(const char *path) { return root[0] && strncmp(path, root, strlen(root)) == 0; }
        static int isWatched(int file) { return file >= 0 && file < (int)sizeof watched && watched[file]; }
        #define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
        #define OPEN(name) \\
            int name(const char *path, int flags, ...) { \\
                va_list list; va_start(list, flags); mode_t mode = va_arg(list, mode_t); va_end(list); \\
                int inside = isInside(path); \\
                if (inside && (flags & (O_WRONLY | O_RDWR | O_CREAT)) && fails()) return -1; \\
                int file = REAL(name)(path, flags, mode); \\
                if (file >= 0 && file < (int)sizeof watched) watched[file] = inside; \\
                return file; \\
            }
        OPEN(open)
        OPEN(open64)
        #define ON_FILE(result, name, parameters, arguments) \\
            result name parameters { if (isWatched(file) && fails()) return -1; return REAL(name) arguments; }
        ON_FILE(ssize_t, write, (int file, const void *bytes, size_t count), (file, bytes, count))
        ON_FILE(ssize_t, pwrite, (int file, const void *bytes, size_t count, off_t at), (file, bytes, count, at))
        ON_FILE(ssize_t, pwrite64, (int file, const void *bytes, size_t count, off64_t at), (file, bytes, count, at))
        ON_FILE(int, fsync, (int file), (file))
        ON_FILE(int, fdatasync, (int file), (file))
        ON_FILE(int, ftruncate, (int file, off_t size), (file, size))
        ON_FILE(int, ftruncate64, (int file, off64_t size), (file, size))
        int close(int file) { if (isWatched(file)) watched[file] = 0; return REAL(close)(file); }
        int rename(const char *from, const char *to) { if (isInside(from) && fails()) return -1; return REAL(rename)(from, to); }
        int unlink(const char *path) { if (isInside(path) && fails()) return -1; return REAL(unlink)(path); }
        int mkdir(const char *path, mode_t mode) { if (isInside(path) && fails()) return -1; return REAL(mkdir)(path, mode); }

        """
}
