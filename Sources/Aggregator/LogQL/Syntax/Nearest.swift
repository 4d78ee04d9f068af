/// The known name that a person most likely meant.
enum Nearest {
    /// Nil if none is near: at most a third of the letters, and two at most, differ.
    static func name(to word: String, among candidates: [String]) -> String? {
        let limit = min(2, max(1, word.utf8.count / 3))
        guard word.utf8.count <= 40 else { return nil }
        return candidates.map { ($0, distance(Array(word.utf8), Array($0.utf8))) }.filter { $0.1 <= limit }.min { $0.1 < $1.1 }?.0
    }

    /// Edits of one letter that turn one text into the other (Levenshtein), a swap of neighbours being one too.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var before: [Int] = []
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var next = [i + 1]
            for (j, b) in right.enumerated() {
                var cost = min(row[j + 1] + 1, next[j] + 1, row[j] + (a == b ? 0 : 1))
                if i > 0, j > 0, a == right[j - 1], left[i - 1] == b { cost = min(cost, before[j - 1] + 1) }
                next.append(cost)
            }
            before = row
            row = next
        }
        return row[right.count]
    }
}
