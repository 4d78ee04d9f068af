import JSON
import Terminal

/// What a search cost, in one line for a person.
enum LogsStatisticsText {
    static func text(_ statistics: JSON) -> String {
        if statistics["linesSearched"].int == 0, let matched = statistics["linesMatched"].int, matched > 0 {
            return "\(matched) lines matched, known from the counts by minute; no text was read"
        }
        let bytes = HumanNumber.bytes(statistics["bytesSearched"].double ?? 0)
        var text = "searched \(statistics["linesSearched"].int ?? 0) lines, \(bytes)"
        if let chunks = statistics["chunks"].int {
            let skipped = statistics["chunksSkipped"].int ?? 0
            text += ", in \(chunks - skipped) of \(chunks) chunks (\(skipped) ruled out unread)"
        }
        if let damaged = statistics["chunksDamaged"].int, damaged > 0 { text += ", \(damaged) damaged" }
        if let matched = statistics["linesMatched"].int { text += "; \(matched) matched" }
        return text + "; \(HumanNumber.text((statistics["seconds"].double ?? 0) * 1000)) ms"
    }
}
