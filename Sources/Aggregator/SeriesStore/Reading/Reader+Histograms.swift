import SQLite
import Telemetry

extension Reader {
    /// The first of the series (ascending) that has native histograms in the span; nil mostly, without a look at files that had none when
    /// `forEachPart` last read their lists of parts.
    func seriesWithHistograms(_ ids: [SeriesID], _ from: Int64, _ through: Int64) throws -> SeriesID? {
        for (day, name, generation) in shared.files(from: from, through: through) {
            if let id = try file(day, name, generation)?.seriesWithHistograms(ids, from: from, through: through) { return id }
        }
        return nil
    }
}

extension DayFile {
    /// Goes through the series that have any, not through their histograms.
    fileprivate func seriesWithHistograms(_ ids: [SeriesID], from: Int64, through: Int64) throws -> SeriesID? {
        guard mayHaveHistograms else { return nil }
        var position = 0
        while position < ids.count {
            guard case .integer(let next)? = try database.scalar("SELECT min(series) FROM histogram WHERE series>=?", .integer(Int64(ids[position])))
            else { return nil }
            while position < ids.count, Int64(ids[position]) < next { position += 1 }
            guard position < ids.count, Int64(ids[position]) == next else { continue }
            let found = try database.scalar(
                "SELECT 1 FROM histogram WHERE series=? AND time>=? AND time<=? LIMIT 1", .integer(next), .integer(from), .integer(through))
            if found != nil { return ids[position] }
            position += 1
        }
        return nil
    }
}
