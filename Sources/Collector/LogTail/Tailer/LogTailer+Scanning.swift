import Glibc
import LogParsing
import Runtime
import Telemetry

/// Looking: which sources there are, and which file of theirs is which.
extension LogTailer {
    func scan(_ now: Int64) {
        looks = DirectoryLooks()
        let configuration = options.configuration
        let maximum = options.maximumLineBytes
        let failures = metrics.fileErrors
        let badAnnotations = metrics.badAnnotations
        let context = FinderContext(
            fileSystem: fileSystem, now: now, hint: hint, failures: failures,
            resolve: { labels, annotations in
                var (resolved, problems) = configuration.options(labels: labels, annotations: annotations)
                if problems > 0 { badAnnotations.increment(by: UInt64(problems)) }
                resolved.maximumLineBytes = maximum
                return resolved
            }, metadata: options.metadata, isHinted: isHinted)
        isHinted = false
        for (index, finder) in finders.enumerated() {
            if let found = finder.find(context) { take(found, index, now) }
            for source in sources[index].values { scan(source, now) }
        }
    }

    private func take(_ found: [LogSource], _ index: Int, _ now: Int64) {
        var present: Set<String> = []
        for var source in found {
            present.insert(source.key)
            if let known = sources[index][source.key] {
                known.isGone = false
                if known.source.version != source.version { adopt(source.options, known, now) }
                known.source = source
                continue
            }
            if !isFirstPoll { source.startsAtEnd = false }
            sources[index][source.key] = FollowedSource(source, rows: rows.removeValue(forKey: source.key) ?? [])
            ordered = nil
            hint.watch(source.directory)
        }
        for (key, source) in sources[index] where !present.contains(key) { source.isGone = true }
    }

    private func scan(_ followed: FollowedSource, _ now: Int64) {
        look(followed, now)
        guard !followed.isGone else {
            for file in followed.files { file.vanish(now) }
            return
        }
        guard let names = changedEntries(followed, now) else { return }
        followed.isSuspect = false
        var opened: [String: any ReadableFile] = [:]
        var listed: [TailPlan.Listed] = []
        var packed: [(name: String, parsed: LogFileName)] = []
        for name in names {
            guard let parsed = followed.source.naming.parse(name) else { continue }
            if parsed.isCompressed {
                packed.append((name, parsed))
            } else if let file = examine(name, followed, &opened, now) {
                listed.append(file)
            }
        }
        let known = followed.files.filter { !$0.name.isCompressed }
        let plan = TailPlan.actions(
            listed: listed,
            followed: known.map {
                TailPlan.Followed(number: $0.number, name: $0.nameText, identity: $0.identity, offset: $0.offset, beginning: $0.beginning)
            })
        for file in known where listed.contains(where: { $0.inode == file.identity.inode && $0.device == file.identity.device }) { file.reappear() }
        for action in plan { carryOut(action, followed, opened, now) }
        let present = Set(packed.map(\.name))
        for file in followed.files where file.name.isCompressed && !present.contains(file.nameText) { file.vanish(now) }
        for (name, parsed) in packed { unpack(name, parsed, followed, now) }
        followed.files.sort { $0.name < $1.name }
        if followed.isFirstListing {
            followed.isFirstListing = false
            removedRows += followed.rows
            followed.rows = []
        }
    }

    private func changedEntries(_ followed: FollowedSource, _ now: Int64) -> ArraySlice<String>? {
        let path = followed.source.directory
        do {
            let modified = try looks.modified(path, fileSystem)
            guard followed.isSuspect || modified != followed.modified || now - modified < 2_000_000_000 else { return nil }
            let names = try looks.names(path, followed.source.naming.prefix, fileSystem)
            followed.modified = modified
            return names
        } catch {
            if error.isNotFound { return [] }
            metrics.fileErrors.increment()
            return nil
        }
    }

    /// Asks the files for their sizes. One that shrank or begins otherwise makes the source suspect.
    private func look(_ followed: FollowedSource, _ now: Int64) {
        for file in followed.files where !file.name.isCompressed {
            guard let handle = file.handle else {
                // The one that is written may have been closed to make room. Of very many files, those that nobody has written to for
                // a minute are asked by turns.
                guard (ordered?.count ?? 0) < 2000 || now - file.grown < 60_000_000_000 || (file.number + looksDone) % 8 == 0
                else { continue }
                guard !file.isRotated, !file.isGone, let status = try? fileSystem.status("\(followed.source.directory)/\(file.nameText)") else { continue }
                if status.inode == file.identity.inode, status.size >= file.offset {
                    file.size = status.size
                } else {
                    followed.isSuspect = true
                }
                continue
            }
            guard let status = try? handle.status() else { continue }
            if status.size > file.size { file.grown = clock.nanoseconds }
            file.size = status.size
            if status.size < file.offset {
                followed.isSuspect = true
            } else if status.size > file.offset, !file.isRotated, !file.isGone {
                let beginning = (try? handle.read(at: 0, count: FileIdentity.fingerprintBytes)) ?? []
                if beginning.starts(with: file.beginning) {
                    if beginning.count > file.beginning.count { file.beginning = beginning }
                } else {
                    followed.isSuspect = true
                }
            }
        }
    }

    /// What is under a name now; nil if it is no regular file or cannot be opened.
    private func examine(_ name: String, _ followed: FollowedSource, _ opened: inout [String: any ReadableFile], _ now: Int64) -> TailPlan.Listed? {
        let path = "\(followed.source.directory)/\(name)"
        do {
            var status = try fileSystem.status(path)
            // A FIFO or a device is not even opened.
            guard status.isRegular else {
                metrics.refused.increment()
                return nil
            }
            let known = followed.files.first { $0.identity.device == status.device && $0.identity.inode == status.inode && !$0.name.isCompressed }
            if let known, known.handle == nil, known.nameText == name, status.size >= known.offset, status.size == known.offset || !known.isRotated {
                // Read to its end. Another text of just this length in this inode would have another name.
                return .init(
                    name: name, device: status.device, inode: status.inode, size: status.size, fingerprint: known.identity.fingerprint,
                    beginning: known.beginning)
            }
            if known == nil, let limit = followed.source.ignoreOlder, now - status.modified > limit { return nil }
            if status.size == 0 {
                followed.isSuspect = true
                return .init(name: name, device: status.device, inode: status.inode, size: 0, fingerprint: nil)
            }
            let handle: any ReadableFile
            if let known, let open = known.handle {
                handle = open
            } else {
                guard hasRoom(opened.count, now) else {
                    metrics.openLimit.increment()
                    followed.isSuspect = true
                    return known.map {
                        .init(
                            name: name, device: status.device, inode: status.inode, size: status.size, fingerprint: $0.identity.fingerprint,
                            beginning: $0.beginning)
                    }
                }
                handle = try fileSystem.open(path)
            }
            // For the file that takes its place if it was overwritten, too.
            opened[name] = handle
            // What is open counts, not what the name meant a moment ago.
            status = try handle.status()
            guard status.isRegular else { return nil }
            let beginning = try handle.read(at: 0, count: FileIdentity.fingerprintBytes)
            let fingerprint = FileIdentity.fingerprint(beginning)
            // Not to be told yet: look again even if the directory does not change.
            if fingerprint == nil { followed.isSuspect = true }
            return .init(
                name: name, device: status.device, inode: status.inode, size: status.size, fingerprint: fingerprint, beginning: beginning)
        } catch {
            if error.isNotFound {
                // Renamed or removed between the listing and now: the next round sees it.
                followed.isSuspect = true
            } else if error.code == ELOOP {
                metrics.refused.increment()
            } else {
                // Perhaps it may be read later.
                followed.isSuspect = true
                metrics.fileErrors.increment()
            }
            return nil
        }
    }

    /// Whether one more file may be opened; closes quiet ones if there are too many, once a round.
    func hasRoom(_ waiting: Int, _ now: Int64) -> Bool {
        if openFiles + waiting < options.maximumOpenFiles { return true }
        guard madeRoom != now else { return false }
        madeRoom = now
        for source in ordered ?? sources.flatMap({ $0.values }) {
            for file in source.files where file.handle != nil && !file.isGone && file.size <= file.offset && now - file.grown > 1_000_000_000 {
                close(file)
                // Of very many files the memory counts too.
                if source.files.count == 1, source.pipelines[file.name.run]?.isIdle == true { source.pipelines = [:] }
            }
        }
        return openFiles + waiting < options.maximumOpenFiles
    }

    private func carryOut(_ action: TailPlan.Action, _ followed: FollowedSource, _ opened: [String: any ReadableFile], _ now: Int64) {
        switch action {
        case .follow(let file):
            guard let name = followed.source.naming.parse(file.name), let handle = opened[file.name], let fingerprint = file.fingerprint else { return }
            follow(file, name, fingerprint, handle, followed, now)
        case .rename(let number, let name):
            guard let file = followed.files.first(where: { $0.number == number }), let parsed = followed.source.naming.parse(name) else { return }
            file.name = parsed
            file.nameText = name
            metrics.rotations.increment()
        case .restart(let number, let beginning):
            guard let file = followed.files.first(where: { $0.number == number }) else { return }
            finish(file, followed, now)
            let generation = file.generation + 1
            file.restart(originKey: originKey(file.identity, generation, followed), beginning: beginning)
            metrics.truncations.increment()
        case .forget(let number):
            guard let index = followed.files.firstIndex(where: { $0.number == number }) else { return }
            let file = followed.files.remove(at: index)
            followed.generations[file.identity.inode] = file.generation + 1
            close(file)
            removedRows.append(row(followed, file))
            metrics.truncations.increment()
        case .drain(let number):
            followed.files.first { $0.number == number }?.vanish(now)
        }
    }

    private func follow(
        _ file: TailPlan.Listed, _ name: LogFileName, _ fingerprint: UInt64, _ handle: any ReadableFile, _ followed: FollowedSource, _ now: Int64
    ) {
        let identity = FileIdentity(device: file.device, inode: file.inode, fingerprint: fingerprint)
        let row = followed.rows.firstIndex {
            $0.identity.inode == identity.inode && $0.identity.fingerprint == fingerprint && file.beginning.starts(with: $0.beginning)
        }.map { followed.rows.remove(at: $0) }
        var offset = row.map { min($0.offset, file.size) } ?? 0
        if row == nil, followed.source.startsAtEnd, followed.isFirstListing { offset = file.size }
        let generation = row?.generation ?? followed.generations[file.inode] ?? 0
        // Rows of older versions have no key of their own.
        let key = row.flatMap { $0.origin.isEmpty ? nil : $0.origin } ?? originKey(identity, generation, followed)
        let begun = FollowedFile(
            number: nextNumber, name: name, nameText: file.name, identity: identity, generation: generation, originKey: key, beginning: file.beginning,
            handle: handle, offset: offset, size: file.size, now: now)
        // A file that shrank while nobody looked.
        if let row, row.offset > file.size {
            begun.restart(originKey: originKey(identity, generation + 1, followed), beginning: file.beginning)
            metrics.truncations.increment()
        }
        nextNumber += 1
        openFiles += 1
        followed.files.append(begun)
        if row == nil { begunRows.append(self.row(followed, begun)) }
    }

    /// Lines with the runtime's stamps tell their file from any other. Unstamped ones may repeat an older file's beginning in
    /// the same inode, so a number that is never used again is added.
    func originKey(_ identity: FileIdentity, _ generation: Int, _ followed: FollowedSource) -> String {
        let fingerprint = String(identity.fingerprint, radix: 16)
        guard followed.source.form == .plain else { return "\(identity.inode)-\(fingerprint)-\(generation)" }
        let sequence = (try? checkpoints.nextSequence()) ?? String(UInt64.random(in: 1 << 40...UInt64.max))
        return "\(identity.inode)-\(fingerprint)-\(sequence)"
    }
}
