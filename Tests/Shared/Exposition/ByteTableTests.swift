import Testing

@testable import Exposition

@Suite struct ByteTableTests {
    @Test func `a hundred thousand keys have a number each, and keep it`() {
        var table = ByteTable(seed: 99)
        for round in 0..<2 {
            for index in 0..<100_000 {
                let key = Array("series{number=\"\(index)\"}".utf8)
                let hash = table.hash(key.span, 0..<key.count)
                if round == 0 {
                    #expect(table.find(key.span, 0..<key.count, hash: hash) == nil)
                    #expect(table.insert(key.span, 0..<key.count, hash: hash) == index)
                } else {
                    #expect(table.find(key.span, 0..<key.count, hash: hash) == index)
                }
            }
        }
    }

    @Test func `keys of the same hash are told apart`() {
        var table = ByteTable(seed: 1)
        let keys = ["", "a", "b", "ab", "abcdefgh", "abcdefgi", "abcdefghabcdefgha"].map { Array($0.utf8) }
        for (number, key) in keys.enumerated() { #expect(table.insert(key.span, 0..<key.count, hash: 42) == number) }
        for (number, key) in keys.enumerated() { #expect(table.find(key.span, 0..<key.count, hash: 42) == number) }
    }

    @Test func `every byte of a key changes its hash`() {
        let table = ByteTable(seed: 5)
        for length in 1..<70 {
            let key = [UInt8](repeating: 0, count: length)
            let hash = table.hash(key.span, 0..<length)
            for position in 0..<length {
                var other = key
                other[position] = 1
                #expect(table.hash(other.span, 0..<length) != hash, "\(length) \(position)")
            }
        }
    }
}
