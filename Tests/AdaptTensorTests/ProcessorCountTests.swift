import AdaptPlatform
import AdaptTensor
import Testing

@Suite struct ProcessorCountTests {
  @Test("A quota of time is rounded up to processors, and none is no bound")
  func quotas() {
    let quotas: [(String, Int?)] = [
      ("max 100000\n", nil), ("100000 100000\n", 1), ("150000 100000", 2), ("1000 100000", 1),
      ("-1\n 100000\n", nil), ("0 100000", nil), ("100000 0", nil), ("", nil), ("many", nil),
      ("9223372036854775807 1", Int.max), ("99999999999999999999 100000", nil),
    ]
    for (text, expected) in quotas { #expect(ControlGroups.quota(text) == expected, "\(text)") }
  }

  @Test("A group is bounded by itself and those around it")
  func folders() {
    #expect(
      ControlGroups.folders("0::/a.slice/b\n") == [
        "/sys/fs/cgroup", "/sys/fs/cgroup/a.slice/b", "/sys/fs/cgroup/a.slice",
      ])
    #expect(
      ControlGroups.folders("3:cpuset:/\n2:cpu,cpuacct:/box\n1:memory:/x") == [
        "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu/box",
      ])
    #expect(ControlGroups.folders("0::/../x") == ["/sys/fs/cgroup", "/sys/fs/cgroup/x"])
    #expect(ControlGroups.folders("nonsense\n").isEmpty)
  }

  @Test("There is a processor, and the backend takes them all")
  func count() {
    #expect(processorCount() >= 1)
    #expect(CPU().threads == min(processorCount(), 1024))
  }
}
