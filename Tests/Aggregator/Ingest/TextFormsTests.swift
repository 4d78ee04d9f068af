import HTTP
import SeriesStore
import Telemetry
import Testing

@testable import Ingest

@Suite struct TextFormsTests {
    @Test func `Influx lines become series as the exporter of Prometheus names them`() async {
        let fixture = Fixture()
        let body = """
            cpu,host=a\\ b,dc=x usage_idle=99.5,usage_user=1i,note="a, \\"b\\" c",ok=true 1465839830100400200
            # a comment
            cpu/usage_rate,ns=k value=3u 1465839830100400200

            """
        let response = await fixture.post("/write", body, query: [("db", "telegraf"), ("rp", "autogen")])
        #expect(response.status == 204)
        #expect(
            fixture.recorder.lines == [
                "cpu_ok{db=\"telegraf\", dc=\"x\", host=\"a b\"} 1465839830100 1.0",
                "cpu_usage_idle{db=\"telegraf\", dc=\"x\", host=\"a b\"} 1465839830100 99.5",
                "cpu_usage_rate{db=\"telegraf\", ns=\"k\"} 1465839830100 3.0", "cpu_usage_user{db=\"telegraf\", dc=\"x\", host=\"a b\"} 1465839830100 1.0",
            ])
    }

    @Test(
        arguments: [
            ("", "1", 0), ("ns", "1500000", 1), ("us", "1500", 1), ("u", "-1500", -2), ("ms", "7", 7), ("s", "7", 7000), ("m", "2", 120_000),
            ("h", "1", 3_600_000),
        ] as [(String, String, Int64)])
    func `precisions`(precision: String, time: String, milliseconds: Int64) async {
        let fixture = Fixture()
        let response = await fixture.post("/api/v2/write", "m f=1 \(time)", query: [("bucket", "b/p"), ("precision", precision)])
        #expect(response.status == 204)
        #expect(fixture.recorder.lines == ["m_f{db=\"b\", rp=\"p\"} \(milliseconds) 1.0"])
    }

    @Test func `bad lines are refused one by one, in the words of InfluxDB`() async {
        let fixture = Fixture()
        let response = await fixture.post(
            "/write", "good f=1 1\nbad\nbad f= 1\nbad,x=1 f=1x 1\nbad f=1 z\n,a=b f=1 1\nbad,=b f=1 1\nbad f=\"x\n", query: [("precision", "ms")])
        #expect(response.status == 400)
        #expect(response.text.contains("partial write: 7 samples refused"))
        #expect(response.text.contains("dropped=7"))
        #expect(fixture.recorder.lines == ["good_f 1 1.0"])
        #expect(await fixture.post("/write", "a b=1", query: [("precision", "x")]).status == 400)
        #expect(await fixture.post("/write", "now f=1").status == 204)
        #expect(fixture.recorder.lines.contains("now_f 1700000000000 1.0"))
    }

    @Test func `text takes the time that the request says`() async {
        let fixture = Fixture()
        let body = "# TYPE a counter\n# HELP a Text.\na{x=\"1\"} 5\nb 6 123\n"
        #expect(await fixture.post("/api/v1/import/prometheus", body, query: [("timestamp", "77"), ("extra_label", "y=z")]).status == 204)
        #expect(await fixture.post("/api/v1/import/prometheus", body).status == 204)
        #expect(
            fixture.recorder.lines == [
                "a{x=\"1\", y=\"z\"} 77 5.0", "a{x=\"1\"} 1700000000000 5.0", "b 123 6.0", "b{y=\"z\"} 123 6.0",
            ])
        #expect(fixture.recorder.metadata.first?.help == "Text.")
        let bad = await fixture.post("/api/v1/import/prometheus", "a 1\nb\n")
        #expect(bad.status == 400)
        #expect(bad.text == "line 2: the value is no number\n")
    }

    @Test func `JSON lines carry every bit`() async {
        let fixture = Fixture()
        let body = """
            {"metric":{"__name__":"a","x":"1"},"values":[1,-0.0,1e300,"NaN","Infinity","StaleNaN","NaN:7ff80000deadbeef",null],"timestamps":[1,2,3,4,5,6,7,8]}

            {"metric":{"__name__":"b"},"values":[2],"timestamps":[-5]}
            """
        #expect(await fixture.post("/api/v1/import", body).status == 204)
        let samples = fixture.recorder.batches[0].samples
        #expect(
            samples.map(\.value.bitPattern) == [
                Double(1).bitPattern, (-0.0).bitPattern, Double(1e300).bitPattern, 0x7ff8_0000_0000_0001, Double.infinity.bitPattern, Double.stale.bitPattern,
                0x7ff8_0000_dead_beef, 0x7ff8_0000_0000_0001,
            ])
        #expect(fixture.recorder.batches[1].samples[0].timestamp == -5)
        for bad in [
            "{", "[]", #"{"metric":{},"values":[1],"timestamps":[1,2]}"#, #"{"metric":{"a":1},"values":[],"timestamps":[]}"#,
            #"{"metric":{"__name__":"a"},"values":["x"],"timestamps":[1]}"#,
        ] {
            let response = await fixture.post("/api/v1/import", "\n" + bad)
            #expect(response.status == 400)
            #expect(response.text.hasPrefix("line 2: "))
        }
    }

    @Test func `CSV is read by the description of its columns`() async {
        let fixture = Fixture()
        let body = "1,eu,\"a,\"\"b\"\"\",1.5,\n2.5,eu,c,2,7\r\n"
        let query = [(name: "format", value: "1:time:unix_s,2:label:region,3:label:host,4:metric:temp,5:metric:load")]
        #expect(await fixture.post("/api/v1/import/csv", body, query: query).status == 204)
        #expect(
            fixture.recorder.lines == [
                "load{host=\"c\", region=\"eu\"} 2500 7.0", "temp{host=\"a,\\\"b\\\"\", region=\"eu\"} 1000 1.5", "temp{host=\"c\", region=\"eu\"} 2500 2.0",
            ])
        for bad in ["", "1:time:unix_s", "x:metric:a", "1:metric:a,1:metric:b", "1:foo:a", "1:time:custom,2:metric:a"] {
            #expect(await fixture.post("/api/v1/import/csv", body, query: [("format", bad)]).status == 400)
        }
        #expect(await fixture.post("/api/v1/import/csv", "x\n", query: [("format", "1:metric:a")]).text == "line 1: \"x\" is no number\n")
        #expect(await fixture.post("/api/v1/import/csv", "1\n", query: [("format", "2:metric:a")]).status == 400)
    }
}
