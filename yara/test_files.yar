// Files that are made to be found: they do no harm.

rule eicar : test_file
{
    meta:
        author = "Beewolf"
        description = "The file that antivirus programs are tried with"
        reference = "https://www.eicar.org/download-anti-malware-testfile/"
        license = "Apache-2.0"
        score = 10
    strings:
        $text = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
    condition:
        $text at 0 and filesize <= 128
}

rule beewolf_test_program : test_file
{
    meta:
        author = "Beewolf"
        description = "A program or script that carries the mark of Beewolf's own tests"
        license = "Apache-2.0"
        score = 10
    strings:
        $mark = "BEEWOLF-HARMLESS-YARA-TEST-PROGRAM"
    condition:
        $mark
}
