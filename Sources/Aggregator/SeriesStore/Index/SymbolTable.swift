/// Names and values of labels, each once, by numbers from 0.
struct SymbolTable: Sendable {
    private(set) var texts: [String] = []
    private var numbers: [String: UInt32] = [:]

    subscript(number: UInt32) -> String { texts[Int(number)] }
    var count: Int { texts.count }

    func number(of text: String) -> UInt32? { numbers[text] }

    mutating func add(_ text: String) -> UInt32 {
        if let known = numbers[text] { return known }
        let number = UInt32(texts.count)
        texts.append(text)
        numbers[text] = number
        return number
    }
}
