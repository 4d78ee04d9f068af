import Glibc
import Gzip
import Runtime
import Telemetry
import TestKit

@testable import LogTail

extension LogWriterFixture {
    /// Compresses as the kubelet does: through a temporary file, then the plain one goes.
    func compress(_ name: String) throws {
        let files = HostFileSystem()
        let packed = GzipCompressor().compress(try files.read(path(name)))
        try files.write(path("\(name).gz.tmp"), packed)
        try files.rename(path("\(name).gz.tmp"), to: path("\(name).gz"))
        try files.remove(path(name))
    }

    /// A tailer of plain files below the fixture's directory.
    func plain(_ sink: RecordingSink, _ pattern: String = "*.log", _ change: (inout GlobFiles.Options) -> Void = { _ in }) throws -> LogTailer {
        var options = LogTailer.Options(root: "", checkpoints: directory.file("tail.db"), node: "n1")
        var files = GlobFiles.Options(paths: ["\(container)/\(pattern)"])
        change(&files)
        options.configuration.files = [files]
        return try LogTailer(options, sink: sink, metrics: MetricRegistry(), clock: clock)
    }

    /// Polls, a second at a time, until all that waits has come out.
    func settle(_ tailer: LogTailer, seconds: Int = 15) async throws {
        for _ in 0..<seconds {
            try await drain(tailer)
            clock.advance(by: .seconds(1))
        }
        try await drain(tailer)
    }
}
