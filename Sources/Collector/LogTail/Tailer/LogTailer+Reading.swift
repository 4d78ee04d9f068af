import Glibc
import Runtime
import Telemetry

/// Reading: bytes into records that wait for delivery.
extension LogTailer {
    /// Reads the source's turn, older files first. Returns whether there is more.
    func read(_ followed: FollowedSource, _ now: Int64) -> Bool {
        guard !followed.source.options.isExcluded else {
            for file in followed.files { skip(file, followed) }
            return false
        }
        var budget = options.turnBytes
        for file in followed.files {
            while file.size > file.offset {
                guard budget > 0 else { return true }
                guard reopen(file, followed, now) else { break }
                let used = readBlock(file, followed, now)
                guard used > 0 else { break }
                budget -= used
            }
        }
        return false
    }

    /// Nothing of an excluded source is read, and its place moves on.
    private func skip(_ file: FollowedFile, _ followed: FollowedSource) {
        guard file.size > file.offset else { return }
        file.offset = file.size
        note(file, followed)
    }

    /// A file that was closed and has grown since.
    private func reopen(_ file: FollowedFile, _ followed: FollowedSource, _ now: Int64) -> Bool {
        if file.handle != nil { return true }
        guard hasRoom(0, now), !file.name.isCompressed,
            let handle = try? fileSystem.open("\(followed.source.directory)/\(file.nameText)"),
            let status = try? handle.status(), status.isRegular, status.inode == file.identity.inode, status.device == file.identity.device
        else {
            followed.isSuspect = true
            return false
        }
        file.handle = handle
        openFiles += 1
        return true
    }

    /// Reads once and returns the number of bytes used: 0 if no whole line is there yet.
    private func readBlock(_ file: FollowedFile, _ followed: FollowedSource, _ now: Int64) -> Int {
        guard let handle = file.handle else { return 0 }
        // A line that does not fit is read again with more room.
        var size = 64 << 10
        while true {
            let bytes: [UInt8]
            do {
                bytes = try handle.read(at: file.offset, count: size)
            } catch {
                metrics.fileErrors.increment()
                if file.name.isCompressed { endUnpacking(file, followed, now) }
                return 0
            }
            if let hole = skipHole(bytes, file, followed) { return hole }
            let used = feed(bytes, file, followed, now)
            if file.name.isCompressed, let status = try? handle.status() { file.size = status.size }
            if used > 0 {
                metrics.bytes.increment(by: UInt64(used))
                return used
            }
            if bytes.count < size, file.name.isCompressed { endUnpacking(file, followed, now) }
            guard bytes.count == size, size < options.maximumLineBytes * 2 else { return 0 }
            size = min(size * 4, options.maximumLineBytes + 128)
        }
    }

    /// A block of zeros is a hole, as a writer leaves it that goes on at its old place after its file was cut: it is passed over
    /// at once, however long it is.
    private func skipHole(_ bytes: [UInt8], _ file: FollowedFile, _ followed: FollowedSource) -> Int? {
        guard bytes.count >= 4096, bytes[0] == 0, bytes.allSatisfy({ $0 == 0 }), !file.name.isCompressed else { return nil }
        var next = file.offset + Int64(bytes.count)
        if let host = file.handle as? HostFile {
            // SEEK_DATA, which Glibc's module does not show.
            let data = lseek(host.descriptor, off_t(file.offset), 3)
            if data >= 0 { next = max(next, Int64(data)) } else if errno == ENXIO { next = max(next, file.size) }
        }
        let skipped = next - file.offset
        metrics.zeros.increment(by: UInt64(skipped))
        file.offset = next
        note(file, followed)
        return Int(min(skipped, Int64(bytes.count)))
    }

    /// The end of a compressed file: it is read and never grows.
    private func endUnpacking(_ file: FollowedFile, _ followed: FollowedSource, _ now: Int64) {
        finish(file, followed, now)
        file.size = file.offset
        close(file)
        note(file, followed)
    }

    private func feed(_ bytes: [UInt8], _ file: FollowedFile, _ followed: FollowedSource, _ now: Int64) -> Int {
        var outputs: [StreamPipeline.Output] = []
        let used = followed.pipelines[file.name.run, default: RunPipeline(form: followed.source.form, followed.source.options)]
            .feed(bytes, file: file.number, at: file.offset, now: now, outputs: &outputs)
        file.offset += Int64(used)
        take(outputs, followed, run: file.name.run)
        if used > 0 { noteAll(run: file.name.run, followed) }
        return used
    }

    /// Remembers how far the file's checkpoint may go when the present delivery is acknowledged.
    func note(_ file: FollowedFile, _ followed: FollowedSource) {
        let safe = followed.pipelines[file.name.run]?.safeOffset(file: file.number, offset: file.offset) ?? file.offset
        delivery.files[file.number] = (followed, file, safe)
    }

    /// All files of a run: what one file's line ended may have begun in an older one.
    private func noteAll(run: Int, _ followed: FollowedSource) {
        for file in followed.files where file.name.run == run && file.acknowledged < file.offset { note(file, followed) }
    }

    private func take(_ outputs: [StreamPipeline.Output], _ followed: FollowedSource, run: Int) {
        count(followed, run: run)
        guard !outputs.isEmpty else { return }
        var index = outputs.startIndex
        // Runs of outputs of one file and stream; losses are origins of their own.
        let groups = Dictionary(grouping: outputs.filter { $0.loss == nil }) { [$0.file, $0.stream.rawValue] }
        for (key, group) in groups.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            guard let file = followed.files.first(where: { $0.number == key[0] }), let stream = CRILine.Stream(rawValue: key[1]), let end = group.last?.end
            else { continue }
            index += group.count
            delivery.batches.append(
                LogBatch(
                    stream: followed.labels(run: run, stream: stream, node: options.node), records: group.map(\.record),
                    origin: .init(
                        node: options.node, file: followed.origin(file, stream), start: min(file.sent[key[1]], end), end: end),
                    ends: group.map(\.end)))
            file.sent[key[1]] = max(file.sent[key[1]], end)
            delivery.bytes += group.reduce(0) { $0 + $1.record.body.count + 32 }
        }
        for output in outputs {
            guard let loss = output.loss, let file = followed.files.first(where: { $0.number == output.file }) else { continue }
            delivery.batches.append(
                LogBatch(
                    stream: followed.labels(run: run, stream: output.stream, node: options.node), records: [output.record],
                    origin: .init(
                        node: options.node, file: "\(followed.origin(file, output.stream))/loss/\(loss.rule)", start: min(loss.start, output.end - 1),
                        end: output.end), ends: [output.end]))
            delivery.bytes += output.record.body.count + 32
        }
    }

    private func count(_ followed: FollowedSource, run: Int) {
        guard let (lines, streams) = followed.pipelines[run]?.takeCounts() else { return }
        if lines != LineAssembler.Counts() {
            metrics.unparsed.increment(by: UInt64(lines.unparsed))
            metrics.joined.increment(by: UInt64(lines.joined))
            metrics.split.increment(by: UInt64(lines.split))
            metrics.timedOut.increment(by: UInt64(lines.timedOut))
            metrics.zeros.increment(by: UInt64(lines.zeros))
        }
        for counts in streams where counts != StreamPipeline.Counts() {
            metrics.groups.increment(by: UInt64(counts.groups))
            metrics.redacted.increment(by: UInt64(counts.redacted))
            for (rule, count) in counts.dropped { metrics.dropped(rule).increment(by: UInt64(count)) }
        }
    }

    /// Gives out what waited too long for its next part or line.
    func expire(_ followed: FollowedSource, _ now: Int64, force: Bool = false) {
        for run in followed.pipelines.keys where followed.pipelines[run]?.isWaiting == true {
            // While there is more to read the next part may be in it.
            let isBehind = followed.files.contains { $0.name.run == run && $0.size > $0.offset && $0.handle != nil && now - $0.grown < 2_000_000_000 }
            guard force || !isBehind else { continue }
            var outputs: [StreamPipeline.Output] = []
            followed.pipelines[run]?.expire(now: now, force: force, outputs: &outputs)
            take(outputs, followed, run: run)
            if !outputs.isEmpty { noteAll(run: run, followed) }
        }
    }

    /// A source's annotations have changed: its next lines go by them.
    func adopt(_ options: StreamOptions, _ followed: FollowedSource, _ now: Int64) {
        for run in followed.pipelines.keys {
            var outputs: [StreamPipeline.Output] = []
            followed.pipelines[run]?.adopt(options, now: now, outputs: &outputs)
            take(outputs, followed, run: run)
            if !outputs.isEmpty { noteAll(run: run, followed) }
        }
    }

    /// A last line without line feed is a line too, once nobody writes any more.
    func finish(_ file: FollowedFile, _ followed: FollowedSource, _ now: Int64) {
        guard let handle = file.handle, let rest = try? handle.read(at: file.offset, count: options.maximumLineBytes + 128), !rest.isEmpty,
            !rest.contains(0x0A)
        else { return }
        var outputs: [StreamPipeline.Output] = []
        _ = followed.pipelines[file.name.run, default: RunPipeline(form: followed.source.form, followed.source.options)]
            .feed(rest + [0x0A], file: file.number, at: file.offset, now: now, outputs: &outputs)
        file.offset += Int64(rest.count)
        for index in outputs.indices where outputs[index].file == file.number { outputs[index].end = min(outputs[index].end, file.offset) }
        take(outputs, followed, run: file.name.run)
        note(file, followed)
    }
}
