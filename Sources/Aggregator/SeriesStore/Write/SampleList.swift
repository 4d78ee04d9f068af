/// The samples that a request has of one series: nearly always one, which is held without an array of its own.
public struct SampleList: RandomAccessCollection, Sendable {
    private var first = SeriesBatch.Sample(0, 0)
    private var others: [SeriesBatch.Sample]?
    public private(set) var count = 0

    public init() {}

    public init(_ samples: [SeriesBatch.Sample]) {
        count = samples.count
        guard let first = samples.first else { return }
        self.first = first
        if count > 1 { others = Array(samples.dropFirst()) }
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { count }

    public subscript(position: Int) -> SeriesBatch.Sample {
        precondition(position < count, "a sample that is there")
        return position == 0 ? first : others![position - 1]
    }

    public mutating func append(_ sample: SeriesBatch.Sample) {
        if count == 0 {
            first = sample
        } else if others?.append(sample) == nil {
            others = [sample]
        }
        count += 1
    }
}
