import Exposition
import Testing

@Suite struct ExpositionTests {
    @Test func `a family starts without samples`() {
        #expect(MetricFamily(name: "a", help: "A.", kind: .gauge).samples.isEmpty)
    }
}
