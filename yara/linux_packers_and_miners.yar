// What programs for Linux that were not installed by a package often are.

rule packed_with_upx : packer
{
    meta:
        author = "Beewolf"
        description = "An ELF program packed with UPX: its code is unpacked when it is started"
        reference = "https://attack.mitre.org/techniques/T1027/002/"
        license = "Apache-2.0"
        score = 40
    strings:
        $header = "UPX!"
        $note = "This file is packed with the UPX executable packer"
    condition:
        uint32be(0) == 0x7f454c46 and ($note or $header in (0..1024))
}

rule talks_to_a_mining_pool : miner
{
    meta:
        author = "Beewolf"
        description = "An ELF program that speaks the stratum protocol of mining pools"
        reference = "https://attack.mitre.org/techniques/T1496/"
        license = "Apache-2.0"
        score = 80
    strings:
        $scheme = /stratum(\+tcp|\+ssl|2\+tcp)?:\/\//
        $subscribe = "mining.subscribe"
        $submit = "mining.submit"
        $job = "\"job_id\""
    condition:
        uint32be(0) == 0x7f454c46 and ($scheme or $subscribe) and ($submit or $job)
}
