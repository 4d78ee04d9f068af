/// Text as full-text queries see it: runs of letters, digits and underscores, ASCII letters in lower case.
///
/// Bytes above 0x7F count as letters, so words of other scripts hold together; case is folded for ASCII only.
enum ElasticWords {
    static func split(_ text: some Collection<UInt8>) -> [[UInt8]] {
        var words: [[UInt8]] = []
        var word: [UInt8] = []
        for byte in text {
            if isLetter(byte) {
                word.append(lowered(byte))
            } else if !word.isEmpty {
                words.append(word)
                word.removeAll(keepingCapacity: true)
            }
        }
        if !word.isEmpty { words.append(word) }
        return words
    }

    static func split(_ text: String) -> [[UInt8]] { split(text.utf8) }

    /// Whether a word, in lower case, is one of the text's words: the same as looking for it in `split`, without making that.
    static func stands(_ word: [UInt8], in text: ArraySlice<UInt8>) -> Bool {
        guard let first = word.first, text.count >= word.count else { return false }
        let word = word.span
        let text = text.span
        var start = 0
        while start <= text.count - word.count {
            defer { start += 1 }
            guard lowered(text[start]) == first, start == 0 || !isLetter(text[start - 1]) else { continue }
            let end = start + word.count
            guard end == text.count || !isLetter(text[end]) else { continue }
            var position = 1
            while position < word.count, lowered(text[start + position]) == word[position] { position += 1 }
            if position == word.count { return true }
        }
        return false
    }

    /// Whether the words stand in the text one after another.
    static func contains(_ phrase: [[UInt8]], in words: [[UInt8]]) -> Bool {
        guard let first = phrase.first else { return true }
        guard phrase.count <= words.count else { return false }
        for start in 0...(words.count - phrase.count) where words[start] == first {
            if words[start..<start + phrase.count].elementsEqual(phrase) { return true }
        }
        return false
    }

    static func isLetter(_ byte: UInt8) -> Bool {
        byte >= 0x80 || byte == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    static func lowered(_ byte: UInt8) -> UInt8 { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte }
}
