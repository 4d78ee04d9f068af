import HTTP
import Runtime

/// Copies a container instance's log to a writer as `kubectl logs` shows it, through rotated files and, if asked,
/// along as it grows.
struct LogReader: Sendable {
    static let pollInterval = Duration.milliseconds(100)
    private static let blockBytes = 65_536

    var files: LogFiles
    var options: LogOptions
    var system: any FileSystem = HostFileSystem()
    var time: any Timekeeper = SystemTimekeeper()
    /// Whether the instance may still write.
    var isRunning: @Sendable () async -> Bool = { false }

    func copy(to writer: any HTTPBodyWriter) async throws {
        var output = LogOutput(options: options)
        var (open, offset) = try start()
        while let file = open.first {
            offset = try await copy(file, from: offset, &output, writer)
            guard !output.isFull else { return }
            if open.count > 1 {
                open.removeFirst()
                offset = 0
            } else {
                break
            }
        }
        guard options.follow else { return }
        try await follow(open.first, offset, &output, writer)
    }

    /// The files to read, and where in the first of them.
    private func start() throws -> ([LogFile], Int64) {
        var open = files.open(system)
        if let since = options.since {
            // A file that was last written before is older as a whole; the newest one may still grow.
            while open.count > 1, open[0].modified < since { open.removeFirst() }
        }
        guard let count = options.tailLines else { return (open, 0) }
        var missing = count
        for position in open.indices.reversed() {
            let tail = try open[position].startOfTail(missing)
            missing -= tail.lines
            if missing <= 0 { return (Array(open[position...]), tail.offset) }
        }
        return (open, 0)
    }

    /// Copies whole records up to the file's end; returns where it stopped.
    private func copy(_ file: LogFile, from start: Int64, _ output: inout LogOutput, _ writer: any HTTPBodyWriter) async throws -> Int64 {
        var offset = start
        var carry: [UInt8] = []
        while !output.isFull {
            let block = try file.handle.read(at: offset + Int64(carry.count), count: Self.blockBytes)
            if block.isEmpty { break }
            carry += block
            guard let last = carry.lastIndex(of: UInt8(ascii: "\n")) else { continue }
            var begin = 0
            while begin <= last, let end = carry[begin...last].firstIndex(of: UInt8(ascii: "\n")) {
                if let line = CRILine(carry[begin..<end]) { output.add(line) }
                begin = end + 1
            }
            offset += Int64(begin)
            carry.removeSubrange(..<begin)
            if !output.bytes.isEmpty { try await writer.write(output.take()) }
        }
        return offset
    }

    private func follow(_ first: LogFile?, _ start: Int64, _ output: inout LogOutput, _ writer: any HTTPBodyWriter) async throws {
        var file = first
        var offset = start
        while true {
            // Asked before the read: what is written before the end is then read.
            let isAlive = await isRunning()
            if let current = file {
                offset = try await copy(current, from: offset, &output, writer)
                guard !output.isFull else { return }
            }
            // Rotation happened if files came after ours.
            let present = files.open(system)
            let position = present.firstIndex { $0.inode == file?.inode }
            let later = position.map { Array(present[($0 + 1)...]) } ?? present
            if let next = later.first {
                // The writer may have added to ours after our read and before it turned away.
                if let current = file { _ = try await copy(current, from: offset, &output, writer) }
                file = next
                offset = 0
                continue
            }
            guard isAlive else { return }
            try await time.sleep(Self.pollInterval)
        }
    }
}

/// Turns records into the lines of the answer, and stops at the limit.
struct LogOutput {
    private let options: LogOptions
    private(set) var bytes: [UInt8] = []
    private(set) var isFull = false
    private var written = 0
    private var isAtLineStart = true

    init(options: LogOptions) {
        self.options = options
        isFull = options.limitBytes.map { $0 <= 0 } ?? false
    }

    mutating func add(_ line: CRILine) {
        guard !isFull else { return }
        if let since = options.since, let time = line.nanoseconds, time < since { return }
        let before = bytes.count
        if options.timestamps, isAtLineStart {
            bytes += line.time
            bytes.append(UInt8(ascii: " "))
        }
        bytes += line.text
        if line.isComplete { bytes.append(UInt8(ascii: "\n")) }
        isAtLineStart = line.isComplete
        written += bytes.count - before
        if let limit = options.limitBytes, written >= limit {
            bytes.removeLast(written - limit)
            isFull = true
        }
    }

    mutating func take() -> [UInt8] {
        defer { bytes.removeAll(keepingCapacity: true) }
        return bytes
    }
}
