import Testing

@testable import Discovery

@Suite struct AllowListTests {
    @Test func `nothing passes an empty list`() {
        #expect(AllowList().select(["a": "b"]).isEmpty)
        #expect(AllowList([""]).select(["": "b"]).isEmpty)
        #expect(AllowList().select(environment: ["PASSWORD=x"]).isEmpty)
    }

    @Test func `names and beginnings pass, sorted`() {
        let list = AllowList(["app", "com.example.*"])
        let chosen = list.select(["com.example.b": "1", "app": "2", "apple": "3", "com.example": "4", "com.example.a": "5"])
        #expect(chosen.map { "\($0.name)=\($0.value)" } == ["app=2", "com.example.a=5", "com.example.b=1"])
        #expect(AllowList(["*"]).select(environment: ["A=b=c", "noequals", "=x"]).map { "\($0.name):\($0.value)" } == [":x", "A:b=c"])
    }

    @Test func `values and their number are bounded, and no character is cut apart`() {
        let long = String(repeating: "é", count: 1000)
        let chosen = AllowList(["*"]).select((0..<200).map { (key: "k\($0)", value: "x" + long) })
        #expect(chosen.count == AllowList.countLimit)
        #expect(chosen.allSatisfy { $0.value.utf8.count == 1023 && long.hasPrefix($0.value.dropFirst()) })
    }
}
