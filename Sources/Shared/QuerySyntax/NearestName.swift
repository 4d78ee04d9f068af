/// Finds what a mistyped word was meant to be: the one rule of both query languages and of the command line.
public enum NearestName {
    /// No name is longer; a word that is gets no guess, since the work is the product of the lengths.
    private static let longest = 64

    /// The candidate that is fewest edits away, if these are at most a third of the word's letters (one at least). The case of
    /// ASCII letters does not count.
    public static func match(_ word: String, among candidates: some Sequence<String>) -> String? {
        let wanted = folded(word)
        guard wanted.count <= longest else { return nil }
        let limit = max(1, wanted.count / 3)
        var best: (name: String, distance: Int, isLonger: Bool)?
        for name in candidates {
            let letters = folded(name)
            // So many letters more are so many edits more.
            guard abs(letters.count - wanted.count) <= limit else { continue }
            let distance = distance(wanted, letters)
            guard distance <= limit else { continue }
            // A letter left off at the end is the likeliest slip: rat is rate before it is rad.
            let one = (name: name, distance: distance, isLonger: letters.starts(with: wanted))
            if let best, (best.distance, best.isLonger ? 0 : 1, best.name) <= (one.distance, one.isLonger ? 0 : 1, one.name) { continue }
            best = one
        }
        return best?.name
    }

    private static func folded(_ text: String) -> [UInt8] {
        text.utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
    }

    /// Levenshtein's distance, two neighbours that changed places being one edit (optimal string alignment).
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var before: [Int] = []
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var next = [i + 1]
            for (j, b) in right.enumerated() {
                var cost = min(row[j + 1] + 1, next[j] + 1, row[j] + (a == b ? 0 : 1))
                if i > 0, j > 0, a == right[j - 1], left[i - 1] == b { cost = min(cost, before[j - 1] + 1) }
                next.append(cost)
            }
            (before, row) = (row, next)
        }
        return row[right.count]
    }
}
