import SQLite

/// What to put side by side next.
enum GroupPlan: Hashable {
    case group([Int64])
    case join([Int64])

    /// Chunks that compaction leaves alone are grouped by 64, and four such groups joined; what is left of a day that is over, when
    /// it is at least 16.
    /// - Parameter chunks: all that live.
    static func choose(_ chunks: [DayReader.Chunk], _ groups: [SignatureGroup], target: Int, isOver: Bool) -> GroupPlan? {
        let known = Set(groups.flatMap(\.members))
        let alone = chunks.filter { !$0.isDamaged && $0.count > 0 && $0.rawBytes >= target / 2 && !known.contains($0.id) }.map(\.id).sorted()
        if alone.count >= DayWriter.smallGroup { return .group(Array(alone.prefix(DayWriter.smallGroup))) }
        let small = groups.filter { $0.members.count <= DayWriter.smallGroup }.sorted { $0.id < $1.id }
        if small.count >= 4 { return .join(small.prefix(4).map(\.id)) }
        if isOver, alone.count >= 16 { return .group(alone) }
        return nil
    }
}

extension LogWriter {
    /// Puts some signatures side by side. False if there is nothing to do.
    func groupOnce(now: Int64) throws -> Bool {
        guard !isClosed, !isCompacting else { return false }
        let today = DayFile.day(of: now)
        for (day, entry) in view.snapshot().sorted(by: { $0.key < $1.key }) where entry.newestChunk > 0 && !ungroupable.contains(day) {
            let reader = try cache.reader(day)
            let chunks = try reader.chunks(from: .min, through: .max, newest: entry.newestChunk)
            let groups = try reader.groups()
            switch GroupPlan.choose(chunks, groups, target: options.chunkBytes, isOver: day < today) {
            case nil: continue
            case .group(let chunks): try writer(day).group(chunks)
            case .join(let ids):
                // A damaged group stays as it is; its chunks are read without it.
                if try !writer(day).join(groups.filter { ids.contains($0.id) }) { ungroupable.insert(day) }
            }
            reader.forgetGroups()
            return true
        }
        return false
    }
}
