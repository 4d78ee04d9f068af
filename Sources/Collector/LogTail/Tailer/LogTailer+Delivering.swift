import Runtime
import Telemetry

/// Delivering, and letting go of what is done.
extension LogTailer {
    func deliver() async throws {
        if !begunRows.isEmpty {
            // Before their first records leave, so that a crash in between does not make them other files.
            saveCheckpoints(begunRows)
            begunRows = []
        }
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
        saveCheckpoints(present.files.values.filter { !$0.file.isGone || $0.file.handle != nil }.map { row($0.source, $0.file) })
    }

    func row(_ followed: FollowedSource, _ file: FollowedFile) -> Checkpoints.Row {
        .init(
            source: followed.source.key, name: file.nameText, identity: file.identity, generation: file.generation, offset: file.acknowledged,
            origin: file.originKey, beginning: file.beginning,
            packedSize: file.handle == nil && file.acknowledged >= file.size ? file.packedSize : 0)
    }

    func saveCheckpoints(_ saved: [Checkpoints.Row]) {
        do {
            try checkpoints.update(saving: saved, removing: removedRows)
            removedRows = []
        } catch {
            // The store keeps each line once even if it is sent again from an older checkpoint.
            metrics.checkpointFailures.increment()
        }
    }

    /// Closes what was read to its end and will not grow again.
    func letGo(_ followed: FollowedSource, _ now: Int64) {
        for file in followed.files where file.size <= file.offset || isStuck(file, now) {
            let quiet = now - file.grown
            // Not at once: what was missed by a listing during a rotation would be taken for another file when it is seen again.
            if file.isGone, now - file.goneSince >= options.removeWait, quiet >= options.removeWait || file.handle == nil {
                finish(file, followed, now)
                // What began in it has nowhere else to be counted from.
                if let safe = followed.pipelines[file.name.run]?.safeOffset(file: file.number, offset: file.offset), safe < file.offset {
                    expire(followed, now, force: true)
                }
                removedRows.append(row(followed, file))
                passOn(file, followed)
                if !file.name.isCompressed { followed.remember(file) }
                close(file)
            } else if !file.isGone, file.isRotated, file.handle != nil, quiet >= options.rotateWait {
                finish(file, followed, now)
                close(file)
            }
        }
        if followed.isGone, followed.files.allSatisfy({ $0.handle == nil }) { expire(followed, now, force: true) }
        followed.files.removeAll { $0.isGone && $0.handle == nil }
        let runs = Set(followed.files.map(\.name.run))
        for run in followed.pipelines.keys where !runs.contains(run) {
            if followed.pipelines[run]?.isWaiting == false { followed.pipelines[run] = nil }
        }
    }

    /// A file that goes hands its place to the compressed one that was made of it.
    private func passOn(_ file: FollowedFile, _ followed: FollowedSource) {
        guard !file.name.isCompressed,
            let packed = followed.files.first(where: { $0.name.isCompressed && !$0.isGone && $0.originKey == file.originKey && $0.handle == nil })
        else { return }
        (packed.offset, packed.size, packed.acknowledged) = (file.offset, file.offset, file.acknowledged)
        begunRows.append(row(followed, packed))
    }

    /// Whether only an unfinished line is left, and nobody finishes it.
    private func isStuck(_ file: FollowedFile, _ now: Int64) -> Bool {
        now - file.grown >= options.removeWait && file.size - file.offset < Int64(options.maximumLineBytes)
    }

    func close(_ file: FollowedFile) {
        guard file.handle != nil else { return }
        file.handle = nil
        openFiles -= 1
    }

    func forgetSources() {
        for index in sources.indices {
            for (key, source) in sources[index] where source.isGone && source.files.isEmpty {
                sources[index][key] = nil
                ordered = nil
            }
        }
    }
}
