/// A table from hashes to small numbers, open-addressed.
struct HashTable {
    private var hashes: [UInt64]
    private var numbers: [Int32]
    private var count = 0

    init(minimumCapacity: Int) {
        var size = 64
        while size < minimumCapacity * 2 { size *= 2 }
        hashes = Array(repeating: 0, count: size)
        numbers = Array(repeating: -1, count: size)
    }

    /// The number with this hash that the test accepts.
    func find(_ hash: UInt64, where accepts: (Int) -> Bool) -> Int? {
        let mask = hashes.count - 1
        var place = Int(truncatingIfNeeded: hash >> 20) & mask
        while numbers[place] >= 0 {
            if hashes[place] == hash, accepts(Int(numbers[place])) { return Int(numbers[place]) }
            place = (place + 1) & mask
        }
        return nil
    }

    mutating func insert(_ hash: UInt64, _ number: Int) {
        if (count + 1) * 2 > hashes.count { grow() }
        place(hash, Int32(truncatingIfNeeded: number))
        count += 1
    }

    private mutating func place(_ hash: UInt64, _ number: Int32) {
        let mask = hashes.count - 1
        var place = Int(truncatingIfNeeded: hash >> 20) & mask
        while numbers[place] >= 0 { place = (place + 1) & mask }
        hashes[place] = hash
        numbers[place] = number
    }

    private mutating func grow() {
        let (oldHashes, oldNumbers) = (hashes, numbers)
        hashes = Array(repeating: 0, count: oldHashes.count * 2)
        numbers = Array(repeating: -1, count: oldHashes.count * 2)
        for index in oldNumbers.indices where oldNumbers[index] >= 0 { place(oldHashes[index], oldNumbers[index]) }
    }
}
