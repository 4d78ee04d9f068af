public import Runtime
import SQLite
import Telemetry

/// Follows the log files of all containers under one root and hands their lines to a sink.
///
/// At least once: a file's checkpoint moves only after the sink has the records. With a store that knows the
/// records' origin each line is kept exactly once. While the sink refuses, nothing more is read: the log files
/// themselves are the buffer.
///
/// This shell lists, opens and reads; `TailPlan` decides which file is which, `LineAssembler` what is a line.
public actor LogTailer {
    public struct Options: Sendable {
        /// The directory of `NAMESPACE_POD_UID` directories.
        public var root: String
        /// The file of the checkpoints.
        public var checkpoints: String
        /// This node's name, a label of each stream and part of each origin.
        public var node: String
        /// Files that are there when a container is first seen without checkpoint are read from their end, not their beginning.
        public var startsAtEnd = false
        /// The bytes of one container's files that are read before it is another's turn.
        public var turnBytes = 256 << 10
        /// A delivery goes out when it holds this much text, and at the end of each round.
        public var deliveryBytes = 4 << 20
        public var maximumOpenFiles = 4096
        /// How long a rotated file is kept open after its last growth, in nanoseconds: writers may be slow to notice the rotation.
        public var rotateWait: Int64 = 30_000_000_000
        /// How long a file that was removed is kept open after its last growth.
        public var removeWait: Int64 = 2_000_000_000
        public var pollInterval: Duration = .seconds(1)
        public var maximumLineBytes = 1 << 20

        public init(root: String, checkpoints: String, node: String) {
            self.root = root
            self.checkpoints = checkpoints
            self.node = node
        }
    }

    private struct Pod {
        var path: String
        var modified: Int64?
        var containers: [String: FollowedContainer] = [:]
        var isGone = false
    }

    /// What waits for the sink, and how far the files' checkpoints go once it has it.
    private struct Delivery {
        var batches: [LogBatch] = []
        var bytes = 0
        var files: [Int: (container: FollowedContainer, file: FollowedFile, safe: Int64)] = [:]
        var isEmpty: Bool { batches.isEmpty && files.isEmpty }
    }

    private let options: Options
    private let sink: any LogSink
    private let fileSystem: any FileSystem
    private let clock: any WallClock
    private let metrics: LogTailMetrics
    private let checkpoints: Checkpoints
    private var rows: [String: [Checkpoints.Row]]
    private var pods: [String: Pod] = [:]
    private var rootModified: Int64?
    private var delivery = Delivery()
    private var removedRows: [Checkpoints.Row] = []
    private var nextNumber = 1
    private var turn = 0
    private var openFiles = 0
    private let hint = DirectoryHint()

    /// Opens the checkpoints. Nothing is read until `poll` or `run`.
    public init(
        _ options: Options, sink: any LogSink, metrics registry: MetricRegistry, fileSystem: any FileSystem = HostFileSystem(),
        clock: any WallClock = SystemClock()
    ) throws {
        self.options = options
        self.sink = sink
        self.fileSystem = fileSystem
        self.clock = clock
        metrics = LogTailMetrics(registry)
        checkpoints = try Checkpoints(path: options.checkpoints)
        rows = Dictionary(grouping: try checkpoints.all(), by: \.container)
    }

    /// Follows until it is cancelled. A refusal of the sink is answered with growing pauses.
    public func run() async {
        var backoff = Backoff(first: .milliseconds(500), limit: .seconds(30))
        hint.watch(options.root)
        while !Task.isCancelled {
            do {
                let hasMore = try await poll()
                backoff.reset()
                if !hasMore { await pause() }
            } catch {
                try? await Task.sleep(for: backoff.next())
            }
        }
    }

    /// Sleeps until the next poll, or less if something changed: a new line waits at most a fifth of a second.
    private func pause() async {
        let step = min(options.pollInterval, .milliseconds(200))
        var slept = Duration.zero
        repeat {
            guard (try? await Task.sleep(for: step, tolerance: .milliseconds(50))) != nil else { return }
            slept += step
        } while slept < options.pollInterval && !hint.takeEvents()
    }

    /// One round: looks for new, renamed and removed files, reads a turn of each container, delivers.
    /// Returns whether more can be read at once. Throws what the sink threw; the records are kept and sent again.
    @discardableResult
    public func poll() async throws -> Bool {
        try await deliver()
        let now = clock.nanoseconds
        scan(now)
        var hasMore = false
        let containers = pods.values.flatMap { $0.containers.values }.sorted { $0.path < $1.path }
        turn += 1
        for index in containers.indices {
            // Each round begins with another container, so that none is always last.
            let container = containers[(index + turn) % containers.count]
            if read(container, now) { hasMore = true }
            expire(container, now)
            if delivery.bytes >= options.deliveryBytes { try await deliver() }
        }
        try await deliver()
        for container in containers { letGo(container, now) }
        // The last parts of containers that have gone.
        try await deliver()
        forgetPods()
        metrics.openFiles.value = Double(openFiles)
        metrics.containers.value = Double(containers.count)
        metrics.lag.value = Double(containers.reduce(0) { $0 + $1.files.reduce(0) { $0 + max(0, $1.size - $1.offset) } })
        return hasMore
    }

    // MARK: Looking

    /// Whether a directory must be listed: it changed, or so recently that a change in the same tick of the
    /// file system's clock could hide.
    private func mustList(_ status: FileStatus, _ seen: Int64?, _ now: Int64) -> Bool {
        status.modified != seen || now - status.modified < 2_000_000_000
    }

    /// The entries of a directory if it changed; nil if not, or if it cannot be read now. A directory that is not there is empty.
    private func changedEntries(_ path: String, _ seen: inout Int64?, _ now: Int64, force: Bool = false) -> [String]? {
        do {
            let status = try fileSystem.status(path)
            guard force || mustList(status, seen, now) else { return nil }
            let names = try fileSystem.list(path)
            seen = status.modified
            return names
        } catch {
            if error.isNotFound { return [] }
            metrics.fileErrors.increment()
            return nil
        }
    }

    private func scan(_ now: Int64) {
        if let names = changedEntries(options.root, &rootModified, now) {
            for name in names where pods[name] == nil && name.contains("_") {
                pods[name] = Pod(path: "\(options.root)/\(name)")
                hint.watch("\(options.root)/\(name)")
            }
            let present = Set(names)
            for name in pods.keys { pods[name]?.isGone = !present.contains(name) }
        }
        for name in pods.keys { scan(pod: name, now) }
    }

    private func scan(pod name: String, _ now: Int64) {
        guard var pod = pods[name] else { return }
        let entries = pod.isGone ? [] : changedEntries(pod.path, &pod.modified, now)
        if let entries {
            for entry in entries where pod.containers[entry] == nil {
                guard let directory = ContainerLogDirectory(podDirectory: name, container: entry) else { continue }
                let known = rows.removeValue(forKey: directory.path) ?? []
                pod.containers[entry] = FollowedContainer(directory: directory, path: "\(pod.path)/\(entry)", rows: known)
                hint.watch("\(pod.path)/\(entry)")
            }
            let present = Set(entries)
            for (entry, container) in pod.containers { container.isGone = !present.contains(entry) }
        }
        for container in pod.containers.values { scan(container, now) }
        pods[name] = pod
    }

    private func scan(_ container: FollowedContainer, _ now: Int64) {
        look(container, now)
        guard !container.isGone else {
            for file in container.files { file.isGone = true }
            return
        }
        guard let names = changedEntries(container.path, &container.modified, now, force: container.isSuspect) else { return }
        container.isSuspect = false
        var opened: [String: any ReadableFile] = [:]
        var listed: [TailPlan.Listed] = []
        for name in names {
            guard let parsed = ContainerLogName(name) else { continue }
            if parsed.isCompressed {
                noteCompressed(name, container)
            } else if let file = examine(name, container, &opened) {
                listed.append(file)
            }
        }
        let followed = container.files.map {
            TailPlan.Followed(number: $0.number, name: $0.nameText, identity: $0.identity, offset: $0.offset)
        }
        for action in TailPlan.actions(listed: listed, followed: followed) { carryOut(action, container, opened, now) }
        container.files.sort { $0.name < $1.name }
        if container.isFirstListing {
            container.isFirstListing = false
            removedRows += container.rows
            container.rows = []
        }
    }

    /// Asks the open files for their sizes. One that shrank or begins otherwise makes the directory suspect.
    private func look(_ container: FollowedContainer, _ now: Int64) {
        for file in container.files {
            guard let handle = file.handle, let status = try? handle.status() else { continue }
            if status.size > file.size { file.grown = now }
            file.size = status.size
            if status.size < file.offset {
                container.isSuspect = true
            } else if status.size > file.offset, file.name.rotated == nil, !file.isGone, fingerprint(handle) != file.identity.fingerprint {
                container.isSuspect = true
            }
        }
    }

    private func fingerprint(_ handle: any ReadableFile) -> UInt64? {
        (try? handle.read(at: 0, count: FileIdentity.fingerprintBytes)).flatMap(FileIdentity.fingerprint)
    }

    /// What is under a name now; nil if it is no regular file or cannot be opened.
    private func examine(_ name: String, _ container: FollowedContainer, _ opened: inout [String: any ReadableFile]) -> TailPlan.Listed? {
        let path = "\(container.path)/\(name)"
        do {
            var status = try fileSystem.status(path)
            let known = container.files.first { $0.identity.device == status.device && $0.identity.inode == status.inode }
            if let known, known.handle == nil, status.size == known.offset {
                // A rotated file that was read to its end. Another text of just this length in this inode would have another name.
                if known.nameText == name {
                    return .init(
                        name: name, device: status.device, inode: status.inode, size: status.size, fingerprint: known.identity.fingerprint)
                }
            }
            if status.size == 0, status.isRegular {
                container.isSuspect = true
                return .init(name: name, device: status.device, inode: status.inode, size: 0, fingerprint: nil)
            }
            let handle: any ReadableFile
            if let known, let open = known.handle {
                handle = open
                // For the file that takes its place if it was overwritten.
                opened[name] = open
            } else {
                guard openFiles + opened.count < options.maximumOpenFiles else {
                    metrics.openLimit.increment()
                    container.isSuspect = true
                    return known.map {
                        .init(name: name, device: status.device, inode: status.inode, size: status.size, fingerprint: $0.identity.fingerprint)
                    }
                }
                handle = try fileSystem.open(path)
                opened[name] = handle
            }
            // What is open counts, not what the name meant a moment ago.
            status = try handle.status()
            guard status.isRegular else { return nil }
            let fingerprint = fingerprint(handle)
            // Not to be told yet: look again even if the directory does not change.
            if fingerprint == nil { container.isSuspect = true }
            return .init(name: name, device: status.device, inode: status.inode, size: status.size, fingerprint: fingerprint)
        } catch {
            // Renamed or removed between the listing and now: the next round sees it.
            if error.isNotFound { container.isSuspect = true } else { metrics.fileErrors.increment() }
            return nil
        }
    }

    private func noteCompressed(_ name: String, _ container: FollowedContainer) {
        let plain = String(name.dropLast(3))
        guard container.readNames.insert(plain).inserted else { return }
        metrics.compressed.increment()
    }

    private func carryOut(_ action: TailPlan.Action, _ container: FollowedContainer, _ opened: [String: any ReadableFile], _ now: Int64) {
        switch action {
        case .follow(let file):
            guard let name = ContainerLogName(file.name), let handle = opened[file.name], let fingerprint = file.fingerprint else { return }
            let identity = FileIdentity(device: file.device, inode: file.inode, fingerprint: fingerprint)
            let row = container.rows.firstIndex { $0.identity.inode == identity.inode && $0.identity.fingerprint == fingerprint }
                .map { container.rows.remove(at: $0) }
            var offset = row.map { min($0.offset, file.size) } ?? 0
            if row == nil, options.startsAtEnd, container.isFirstListing { offset = file.size }
            let followed = FollowedFile(
                number: nextNumber, name: name, nameText: file.name, identity: identity,
                generation: row?.generation ?? container.generations[file.inode] ?? 0, handle: handle, offset: offset, size: file.size, now: now)
            // A file that shrank while nobody looked.
            if let row, row.offset > file.size {
                followed.restart()
                metrics.truncations.increment()
            }
            nextNumber += 1
            openFiles += 1
            container.files.append(followed)
            container.readNames.insert(file.name)
        case .rename(let number, let name):
            guard let file = container.files.first(where: { $0.number == number }), let parsed = ContainerLogName(name) else { return }
            file.name = parsed
            file.nameText = name
            container.readNames.insert(name)
            metrics.rotations.increment()
        case .restart(let number):
            container.files.first { $0.number == number }?.restart()
            metrics.truncations.increment()
        case .forget(let number):
            guard let index = container.files.firstIndex(where: { $0.number == number }) else { return }
            let file = container.files.remove(at: index)
            container.generations[file.identity.inode] = file.generation + 1
            close(file)
            removedRows.append(row(container, file))
            metrics.truncations.increment()
        case .drain(let number):
            guard let file = container.files.first(where: { $0.number == number }) else { return }
            file.isGone = true
        }
    }

    // MARK: Reading

    /// Reads the container's turn, older files first. Returns whether there is more.
    private func read(_ container: FollowedContainer, _ now: Int64) -> Bool {
        var budget = options.turnBytes
        for file in container.files {
            while file.size > file.offset {
                guard budget > 0 else { return true }
                guard reopen(file, container) else { break }
                let used = readBlock(file, container, now)
                guard used > 0 else { break }
                budget -= used
            }
        }
        return false
    }

    /// A rotated file that grew after it was left alone.
    private func reopen(_ file: FollowedFile, _ container: FollowedContainer) -> Bool {
        if file.handle != nil { return true }
        guard openFiles < options.maximumOpenFiles, let handle = try? fileSystem.open("\(container.path)/\(file.nameText)") else { return false }
        file.handle = handle
        openFiles += 1
        return true
    }

    /// Reads once and returns the number of bytes used: 0 if no whole line is there yet.
    private func readBlock(_ file: FollowedFile, _ container: FollowedContainer, _ now: Int64) -> Int {
        guard let handle = file.handle else { return 0 }
        // A line that does not fit is read again with more room.
        var size = 64 << 10
        while true {
            let bytes: [UInt8]
            do {
                bytes = try handle.read(at: file.offset, count: size)
            } catch {
                metrics.fileErrors.increment()
                return 0
            }
            let used = feed(bytes, file, container, now)
            if used > 0 {
                metrics.bytes.increment(by: UInt64(used))
                return used
            }
            guard bytes.count == size, size < options.maximumLineBytes * 2 else { return 0 }
            size = min(size * 4, options.maximumLineBytes + 128)
        }
    }

    private func feed(_ bytes: [UInt8], _ file: FollowedFile, _ container: FollowedContainer, _ now: Int64) -> Int {
        var outputs: [LineAssembler.Output] = []
        let assemblerOptions = LineAssembler.Options(maximumLineBytes: options.maximumLineBytes)
        let used = container.assemblers[file.name.restart, default: LineAssembler(options: assemblerOptions)]
            .feed(bytes, file: file.number, at: file.offset, now: now, outputs: &outputs)
        file.offset += Int64(used)
        take(outputs, container, restart: file.name.restart)
        if used > 0 { note(file, container) }
        return used
    }

    /// Remembers how far the file's checkpoint may go when the present delivery is acknowledged.
    private func note(_ file: FollowedFile, _ container: FollowedContainer) {
        let safe = container.assemblers[file.name.restart]?.safeOffset(file: file.number, offset: file.offset) ?? file.offset
        delivery.files[file.number] = (container, file, safe)
    }

    private func take(_ outputs: [LineAssembler.Output], _ container: FollowedContainer, restart: Int) {
        count(container, restart: restart)
        guard !outputs.isEmpty else { return }
        let groups = Dictionary(grouping: outputs) { [$0.file, $0.stream.rawValue] }
        for (key, group) in groups.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            guard let file = container.files.first(where: { $0.number == key[0] }), let stream = CRILine.Stream(rawValue: key[1]),
                let end = group.last?.end
            else { continue }
            let ends = group.map(\.end)
            delivery.batches.append(
                LogBatch(
                    stream: container.labels(restart: restart, stream: stream, node: options.node), records: group.map(\.record),
                    origin: .init(
                        node: options.node, file: file.origin(container.directory, stream), start: min(file.sent[key[1]], end), end: end),
                    ends: ends))
            file.sent[key[1]] = end
            delivery.bytes += group.reduce(0) { $0 + $1.record.body.count + 32 }
        }
    }

    private func count(_ container: FollowedContainer, restart: Int) {
        guard let counts = container.assemblers[restart]?.takeCounts(), counts != LineAssembler.Counts() else { return }
        metrics.unparsed.increment(by: UInt64(counts.unparsed))
        metrics.joined.increment(by: UInt64(counts.joined))
        metrics.split.increment(by: UInt64(counts.split))
        metrics.timedOut.increment(by: UInt64(counts.timedOut))
    }

    /// Gives out the parts that waited too long for their next part.
    private func expire(_ container: FollowedContainer, _ now: Int64, force: Bool = false) {
        for restart in container.assemblers.keys where container.assemblers[restart]?.hasPartial == true {
            // While there is more to read the next part may be in it.
            let isBehind = container.files.contains { $0.name.restart == restart && $0.size > $0.offset && $0.handle != nil }
            guard force || !isBehind else { continue }
            var outputs: [LineAssembler.Output] = []
            container.assemblers[restart]?.expire(now: now, force: force, outputs: &outputs)
            take(outputs, container, restart: restart)
            guard !outputs.isEmpty else { continue }
            for file in container.files where file.name.restart == restart { note(file, container) }
        }
    }

    // MARK: Delivering

    private func deliver() async throws {
        guard !delivery.isEmpty else {
            saveCheckpoints([])
            return
        }
        let present = delivery
        if !present.batches.isEmpty {
            do {
                try await sink.append(present.batches)
            } catch {
                metrics.sinkFailures.increment()
                throw error
            }
            metrics.records.increment(by: UInt64(present.batches.reduce(0) { $0 + $1.records.count }))
        }
        delivery = Delivery()
        for (_, file, safe) in present.files.values { file.acknowledged = safe }
        // A file that was let go of meanwhile has its row removed.
        saveCheckpoints(present.files.values.filter { !$0.file.isGone || $0.file.handle != nil }.map { row($0.container, $0.file) })
    }

    private func row(_ container: FollowedContainer, _ file: FollowedFile) -> Checkpoints.Row {
        .init(
            container: container.directory.path, name: file.nameText, identity: file.identity, generation: file.generation,
            offset: file.acknowledged)
    }

    private func saveCheckpoints(_ saved: [Checkpoints.Row]) {
        do {
            try checkpoints.update(saving: saved, removing: removedRows)
            removedRows = []
        } catch {
            // The store keeps each line once even if it is sent again from an older checkpoint.
            metrics.checkpointFailures.increment()
        }
    }

    // MARK: Letting go

    /// Closes what was read to its end and will not grow again.
    private func letGo(_ container: FollowedContainer, _ now: Int64) {
        for file in container.files where file.size <= file.offset || isStuck(file, container, now) {
            let quiet = now - file.grown
            if file.isGone, quiet >= options.removeWait || file.handle == nil {
                finish(file, container, now)
                removedRows.append(row(container, file))
                close(file)
            } else if !file.isGone, file.name.rotated != nil, file.handle != nil, quiet >= options.rotateWait {
                finish(file, container, now)
                close(file)
            }
        }
        if container.isGone, container.files.allSatisfy({ $0.handle == nil }) { expire(container, now, force: true) }
        container.files.removeAll { $0.isGone && $0.handle == nil }
        let restarts = Set(container.files.map(\.name.restart))
        for restart in container.assemblers.keys where !restarts.contains(restart) && container.assemblers[restart]?.hasPartial == false {
            container.assemblers[restart] = nil
        }
    }

    /// Whether only an unfinished line is left, and nobody finishes it.
    private func isStuck(_ file: FollowedFile, _ container: FollowedContainer, _ now: Int64) -> Bool {
        now - file.grown >= options.removeWait && file.size - file.offset < Int64(options.maximumLineBytes)
    }

    /// A last line without line feed is a line too, once nobody writes any more.
    private func finish(_ file: FollowedFile, _ container: FollowedContainer, _ now: Int64) {
        guard file.size > file.offset, let handle = file.handle, let rest = try? handle.read(at: file.offset, count: Int(file.size - file.offset)),
            !rest.isEmpty, !rest.contains(0x0A)
        else { return }
        var outputs: [LineAssembler.Output] = []
        _ = container.assemblers[file.name.restart, default: LineAssembler()]
            .feed(rest + [0x0A], file: file.number, at: file.offset, now: now, outputs: &outputs)
        file.offset += Int64(rest.count)
        for index in outputs.indices { outputs[index].end = min(outputs[index].end, file.offset) }
        take(outputs, container, restart: file.name.restart)
        note(file, container)
    }

    private func close(_ file: FollowedFile) {
        guard file.handle != nil else { return }
        file.handle = nil
        openFiles -= 1
    }

    private func forgetPods() {
        for (name, pod) in pods {
            for (entry, container) in pod.containers where container.isGone && container.files.isEmpty { pods[name]?.containers[entry] = nil }
            if pod.isGone, pods[name]?.containers.isEmpty == true { pods[name] = nil }
        }
    }
}
